import { expect } from 'vitest';

import { registerIfSecret } from './canary-secrets.js';
import type { Reply } from './http-request.js';
import { postToken } from './open-login.js';

export const EXCHANGE_GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token';

/** Asks for a token of ours in exchange for one of the identity provider (RFC 8693 §2.1). */
export function exchange(
  app: { readonly url: string },
  subject_token: string,
  changes: Readonly<Record<string, string>> = {},
): Promise<Reply> {
  return postToken(app, { grant_type: EXCHANGE_GRANT, subject_token, ...changes });
}

/** The access token of a good answer; it is a canary from then on. */
export function mintedToken(reply: Reply): string {
  expect(reply.status, reply.text()).toBe(200);
  const token = reply.json()['access_token'];
  registerIfSecret(token, 'minted access token');
  return String(token);
}
