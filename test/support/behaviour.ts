import type { JSONWebKeySet } from 'jose';

import type { JsonMembers, Signer } from './compact-jws.js';
import type { Fault } from './faults.js';
import type { Answer } from './provider-answer.js';
import type { SigningKey } from './signing-keys.js';
import { alice, type TestUser } from './users.js';

/** The endpoints of the misbehaving provider. */
export type Endpoint =
  | 'discovery'
  | 'jwks'
  | 'authorization'
  | 'token'
  | 'device'
  | 'userinfo'
  | 'revocation'
  | 'introspection'
  | 'endSession'
  | 'push';

export type FormFields = Readonly<Record<string, string>>;

/** Changes one kind of token that the token endpoint issues. A member set to `undefined` is left out. */
export interface TokenPatch {
  claims?: (claims: JsonMembers) => JsonMembers;
  header?: (header: JsonMembers) => JsonMembers;
  /** Another key, a shared secret, `unsigned()`; it also decides `alg` and `kid`. */
  signer?: Signer | SigningKey;
}

/** How the provider misbehaves; every member may be set at any time and holds from the next request on. */
export interface Behaviour {
  /** Who logs in. Devices name their user when they are approved. */
  user: TestUser;
  /** The clock of the provider. */
  now: () => Date;
  /** Takes the place of an endpoint's answer. */
  faults: Partial<Record<Endpoint, Fault>>;

  metadata?: (document: JsonMembers) => unknown;
  jwks?: (keys: JSONWebKeySet) => unknown;
  /** Changes the parameters sent back to the redirect URI. */
  authorization?: (answer: URLSearchParams, request: FormFields) => URLSearchParams;
  /** Answers token requests; `usual` does what the endpoint would do. */
  token?: (form: FormFields, usual: () => Answer) => Answer | Promise<Answer>;
  /** Changes the body of a successful token response: dialects of expiry, missing members. */
  tokenResponse?: (body: JsonMembers) => unknown;
  device?: (body: JsonMembers) => unknown;
  userinfo?: (claims: JsonMembers) => unknown;
  introspection?: (body: JsonMembers) => unknown;
  idToken: TokenPatch;
  accessToken: TokenPatch;

  accessTokenLifetimeSec: number;
  /** Random strings instead of JWTs. */
  opaqueAccessTokens: boolean;
  issueRefreshTokens: boolean;
  /** Each refresh gives a new refresh token; the reuse of an old one revokes the family. */
  rotateRefreshTokens: boolean;
  /** Refuses a wrong client id or secret with 401 `invalid_client`. */
  checkClient: boolean;
}

/** A provider that behaves well. */
export function goodBehaviour(): Behaviour {
  return {
    user: alice,
    now: () => new Date(),
    faults: {},
    idToken: {},
    accessToken: {},
    accessTokenLifetimeSec: 300,
    opaqueAccessTokens: false,
    issueRefreshTokens: true,
    rotateRefreshTokens: true,
    checkClient: true,
  };
}
