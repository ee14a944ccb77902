import { decodeJwt } from 'jose';
import { expect } from 'vitest';

import type { BrokerOptions } from '../../lib/index.js';
import type { BrokerStore } from '../../lib/contract/broker-store.js';
import { type AppOptions, type TestApp, startApp } from './app.js';
import { brokerParts } from './broker-parts.js';
import { registerIfSecret } from './canary-secrets.js';
import { GuardedRoutes } from './guarded-routes.js';
import { type Reply, request } from './http-request.js';
import { handleForm, openLogin, postToken } from './open-login.js';

export const BROKER_AUDIENCE = 'myapp-api';
export const BROKER_ENCRYPTION_KEY = 'encryption-key-of-the-broker-tests-32+';

/** Tokens of ours, as the token route gives them. */
export interface BrokerTokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface BrokerAppOptions extends AppOptions {
  readonly broker?: Partial<BrokerOptions>;
  readonly store?: BrokerStore;
}

/** An application in broker mode, with the guarded routes of {@link GuardedRoutes}; sessions in memory unless a store is given. */
export function startBrokerApp({
  broker,
  store,
  options,
  ...app
}: BrokerAppOptions): Promise<TestApp> {
  return startApp({
    controllers: [GuardedRoutes],
    ...app,
    options: {
      encryptionKeys: [BROKER_ENCRYPTION_KEY],
      ...options,
      broker: {
        audience: BROKER_AUDIENCE,
        store: store ?? 'memory://',
        signingAlgorithm: 'ES256', // an RSA key takes a second to make
        ...broker,
      },
    },
  });
}

/** Reads a successful token response; its tokens are canaries from then on. */
export function brokerTokens(reply: Reply): BrokerTokens {
  expect(reply.status, reply.text()).toBe(200);
  const body = reply.json();
  registerIfSecret(body['access_token'], 'minted access token');
  registerIfSecret(body['refresh_token'], 'refresh token of ours');
  const accessToken = String(body['access_token']);
  return {
    accessToken,
    refreshToken: String(body['refresh_token']),
    claims: decodeJwt(accessToken),
    body,
  };
}

/** A whole login, as the Python client's browser flow does it. */
export async function brokerLogin(
  app: { readonly url: string },
  query: Readonly<Record<string, string>> = {},
): Promise<BrokerTokens> {
  return brokerTokens(await postToken(app, handleForm(await openLogin(app, { query }))));
}

export function refresh(app: { readonly url: string }, refresh_token: string): Promise<Reply> {
  return postToken(app, { refresh_token });
}

/** What the guard says of a token, in a word or two. */
export async function guarded(
  app: { readonly url: string },
  bearer: string,
  path = '/required',
): Promise<string> {
  const reply = await request(`${app.url}${path}`, { bearer });
  return reply.status === 200 ? '200' : `${reply.status} ${String(reply.json()['error'])}`;
}

/** Lets an instance look for what others did, now instead of within seconds. */
export async function pull({ app }: TestApp): Promise<void> {
  await brokerParts(app).upkeep.pull();
}
