import { expect } from 'vitest';

import { routeDefaults } from '../../lib/options/option-defaults.js';
import { routeNames, type RouteName } from '../../lib/options/resolve-routes.js';
import type { TestApp } from './app.js';
import { request, type Reply } from './http-request.js';
import { UserAgent } from './user-agent.js';

/** How each route answers in passthrough mode when it is there and gets nothing. */
export const EMPTY_ANSWERS: Record<RouteName, [method: string, status: number]> = {
  login: ['GET', 400],
  callback: ['GET', 400],
  token: ['POST', 400],
  device: ['POST', 200],
  logout: ['GET', 302],
  userinfo: ['GET', 401],
  revoke: ['POST', 400],
  jwks: ['GET', 404],
  clientJwks: ['GET', 404],
  introspect: ['POST', 404],
  backchannelLogout: ['POST', 404],
  providers: ['GET', 200],
  session: ['GET', 404],
};

/** Asks a route for nothing. */
export const askEmpty = (app: TestApp, name: RouteName, path: string): Promise<Reply> =>
  request(app.url + path, { method: EMPTY_ANSWERS[name][0] });

/** Asserts that every route answers below this prefix, and with our headers. */
export async function expectRoutesAt(app: TestApp, prefix: string): Promise<void> {
  const names = routeNames.filter((name) => name !== 'session'); // there is none without its option
  const replies = await Promise.all(
    names.map((name) => askEmpty(app, name, prefix + routeDefaults[name])),
  );
  expect(replies.map(({ status }) => status)).toEqual(names.map((name) => EMPTY_ANSWERS[name][1]));
  for (const { headers } of replies) expect(headers.get('cache-control')).toBe('no-store');
}

/** Asserts that a whole login at our own callback, which only works when `publicUrl` and prefixes agree. */
export async function expectLoginAt(app: TestApp, prefix: string): Promise<void> {
  const agent = new UserAgent();
  const callback = `${app.url}${prefix}/auth/v2/callback`;
  const url = `${app.url}${prefix}/auth/v2/login?redirect_uri=${encodeURIComponent(callback)}`;
  const reply = await agent.get(url);
  expect(reply.url.href.startsWith(callback)).toBe(true);
  expect(reply.status).toBe(200);
}
