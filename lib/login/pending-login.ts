import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { JWTPayload } from 'jose';
import { textList } from '../tokens/text-list.js';
import type { KeyRing, Sealer } from '../sealing/key-ring.js';
import type { AskedAuthentication } from '../providers/check-authentication.js';
import type { RedirectTarget } from './redirect-uris.js';

/** How long a person may take to log in, in seconds. */
export const LOGIN_LIFETIME_SEC = 600;

const RANDOM_BYTES = 32;
const TARGETS: readonly RedirectTarget[] = ['callback', 'page', 'loopback', 'client'];

/** A login in progress: everything that its end needs, sealed in the handle, so that no instance keeps a row. */
export interface PendingLogin extends AskedAuthentication {
  /** 256 random bits: the first part of `state`, and what makes the login single-use. */
  readonly id: string;
  readonly provider: string;
  /** Tells it from another one that comes under its name; absent in handles of a version before. */
  readonly providerIdentity?: string | undefined;
  readonly redirectUri: string;
  readonly target: RedirectTarget;
  /** Our PKCE verifier towards the identity provider (RFC 7636 §4.1). */
  readonly codeVerifier: string;
  readonly nonce: string;
  /** Scopes asked for, space separated: what was granted when the token answer does not say (RFC 6749 §5.1). */
  readonly scope: string;
  /** What the browser's login cookie must hold. Not in `state`, so reading a redirect is not enough. */
  readonly binding: string;
  /** The client's own S256 challenge, when it brought one. */
  readonly clientChallenge: string | undefined;
  /** Thumbprint of the client's key (RFC 9449 §10), when it named one. */
  readonly clientKey?: string | undefined;
  /** Its answer comes by POST (OAuth 2.0 Form Post Response Mode), and no other way. */
  readonly formPost?: boolean | undefined;
  /** The session cookie that the browser had: what it stands for ends with this login, whose POST does not bring it. */
  readonly heldSession?: string | undefined;
  /** Where the browser goes at the end, with a session and without tokens; `undefined`: the login ends with tokens. */
  readonly returnTo?: string | undefined;
}

/** A pending login with the texts that stand for it outside. */
export interface SealedLogin {
  readonly login: PendingLogin;
  readonly handle: string;
  /** `<id>|<redirect URI>|<handle>`: the Python client takes what follows the last `|`. */
  readonly state: string;
}

function text(payload: JWTPayload, claim: string): string | undefined {
  const value = payload[claim];
  return typeof value === 'string' ? value : undefined;
}

function toLogin(payload: JWTPayload): PendingLogin | undefined {
  const id = text(payload, 'id');
  const provider = text(payload, 'p');
  const redirectUri = text(payload, 'r');
  const target = TARGETS.find((one) => one === payload['t']);
  const codeVerifier = text(payload, 'v');
  const nonce = text(payload, 'n');
  const scope = text(payload, 's');
  const binding = text(payload, 'b');
  if (
    !id ||
    !provider ||
    !redirectUri ||
    !target ||
    !codeVerifier ||
    !nonce ||
    !scope ||
    !binding
  ) {
    return undefined;
  }
  return {
    id,
    provider,
    providerIdentity: text(payload, 'i'),
    redirectUri,
    target,
    codeVerifier,
    nonce,
    scope,
    binding,
    clientChallenge: text(payload, 'c'),
    ...(payload['k'] === undefined ? {} : { clientKey: text(payload, 'k') ?? '' }),
    ...(payload['u'] === undefined ? {} : { returnTo: text(payload, 'u') }),
    ...(typeof payload['a'] === 'number' ? { authTimeFrom: payload['a'] } : {}),
    ...(payload['l'] === undefined ? {} : { acrValues: textList(payload['l']) }),
    ...(payload['m'] === 'form_post' ? { formPost: true, heldSession: text(payload, 'h') } : {}),
  };
}

function sha256(value: string): Buffer {
  return createHash('sha256').update(value).digest();
}

/** Compares secrets in constant time. */
export function equalSecrets(one: string, other: string): boolean {
  return timingSafeEqual(sha256(one), sha256(other));
}

/** Whether a verifier belongs to an S256 challenge (RFC 7636 §4.6). */
export function meetsChallenge(verifier: string, challenge: string): boolean {
  if (!/^[A-Za-z0-9\-._~]{43,128}$/.test(verifier)) return false;
  return equalSecrets(sha256(verifier).toString('base64url'), challenge);
}

/** Begins logins and reads them back. Starting one writes nothing, and any instance can finish it. */
export class PendingLogins {
  readonly #sealer: Sealer;

  constructor(keyRing: KeyRing) {
    this.#sealer = keyRing.sealer('login handle');
  }

  async begin(
    wish: Omit<PendingLogin, 'id' | 'codeVerifier' | 'nonce' | 'binding'>,
    { codeVerifier, nonce }: Pick<PendingLogin, 'codeVerifier' | 'nonce'>,
  ): Promise<SealedLogin> {
    const login: PendingLogin = {
      ...wish,
      codeVerifier,
      nonce,
      id: randomBytes(RANDOM_BYTES).toString('base64url'),
      binding: randomBytes(RANDOM_BYTES).toString('base64url'),
    };
    const handle = await this.#sealer.seal(
      {
        id: login.id,
        p: login.provider,
        ...(login.providerIdentity === undefined ? {} : { i: login.providerIdentity }),
        r: login.redirectUri,
        t: login.target,
        v: login.codeVerifier,
        n: login.nonce,
        s: login.scope,
        b: login.binding,
        ...(login.clientChallenge === undefined ? {} : { c: login.clientChallenge }),
        ...(login.clientKey === undefined ? {} : { k: login.clientKey }),
        ...(login.returnTo === undefined ? {} : { u: login.returnTo }),
        ...(login.authTimeFrom === undefined ? {} : { a: login.authTimeFrom }),
        ...(login.acrValues === undefined ? {} : { l: login.acrValues }),
        ...(login.formPost === true ? { m: 'form_post' } : {}),
        ...(login.heldSession === undefined ? {} : { h: login.heldSession }),
      },
      LOGIN_LIFETIME_SEC,
    );
    return { login, handle, state: `${login.id}|${login.redirectUri}|${handle}` };
  }

  /** The login behind a handle; `undefined` when it was altered, has expired or was never ours. */
  async fromHandle(handle: string): Promise<PendingLogin | undefined> {
    const payload = await this.#sealer.open(handle);
    return payload && toLogin(payload);
  }

  /** The login behind a whole `state`, every part of which must be as it was sent. */
  async fromState(state: string): Promise<PendingLogin | undefined> {
    const handle = state.slice(state.lastIndexOf('|') + 1);
    const login = await this.fromHandle(handle);
    if (login === undefined) return undefined;
    return `${login.id}|${login.redirectUri}|${handle}` === state ? login : undefined;
  }
}

/** Whether that is the provider that the login was begun with, and not another one under its name. */
export function isOfLogin(
  { name, identity }: { readonly name: string; readonly identity: string },
  login: PendingLogin,
): boolean {
  return login.provider === name && (login.providerIdentity ?? identity) === identity;
}
