import { expect } from 'vitest';

import type { TestApp } from '../app.js';
import { type Reply, request } from '../http-request.js';
import { postToken } from '../open-login.js';
import { ownCallback } from '../own-callback.js';
import { UserAgent } from '../user-agent.js';

/** What a client holds after a login or a refresh. */
export interface HeldTokens {
  readonly accessToken: string;
  /** `undefined` when none came. */
  readonly refreshToken: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A whole login that ends at our own callback, every redirect followed as a browser does. */
export function browserLogin(
  app: TestApp,
  query: Readonly<Record<string, string>> = {},
): Promise<Reply> {
  const parameters = new URLSearchParams({ redirect_uri: ownCallback(app), ...query });
  return new UserAgent().get(`${app.url}/auth/v2/login?${parameters.toString()}`);
}

/** The same, with the tokens that it brings. */
export async function loggedIn(
  app: TestApp,
  query: Readonly<Record<string, string>> = {},
): Promise<HeldTokens> {
  return held(await browserLogin(app, query));
}

export async function refreshed(app: TestApp, { refreshToken }: HeldTokens): Promise<HeldTokens> {
  return held(await postToken(app, { refresh_token: refreshToken ?? '' }));
}

function held(reply: Reply): HeldTokens {
  expect(reply.status, reply.text()).toBe(200);
  const body = reply.json();
  const refreshToken = body['refresh_token'];
  return {
    accessToken: String(body['access_token']),
    refreshToken: typeof refreshToken === 'string' ? refreshToken : undefined,
    body,
  };
}

/** What a guarded route says, in a word or two. */
export async function asked(
  app: TestApp,
  path: string,
  { accessToken }: HeldTokens,
): Promise<string> {
  const reply = await request(`${app.url}${path}`, { bearer: accessToken });
  return reply.status === 200 ? '200' : `${reply.status} ${String(reply.json()['error'])}`;
}

/** The answer of the userinfo route. */
export async function profile(
  app: TestApp,
  { accessToken }: HeldTokens,
): Promise<Readonly<Record<string, unknown>>> {
  const reply = await request(`${app.url}/auth/v2/userinfo`, { bearer: accessToken });
  expect(reply.status, reply.text()).toBe(200);
  return reply.json();
}

/** Where the logout route sends the browser. */
export async function logoutTarget(app: TestApp, tokens?: HeldTokens): Promise<URL> {
  const bearer = tokens === undefined ? {} : { bearer: tokens.accessToken };
  const reply = await request(`${app.url}/auth/v2/logout?post_logout_redirect_uri=/`, bearer);
  expect(reply.location, reply.text()).toBeInstanceOf(URL);
  return reply.location ?? reply.url;
}
