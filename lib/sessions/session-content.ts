import { isRecord } from '../options/value-rules.js';
import type { KeyRing } from '../sealing/key-ring.js';
import type { RowSealer } from '../sealing/key-ring.js';

const MAX_SEALED_LENGTH = 60_000;

/** Tokens of the identity provider, which never leave the server. Times are seconds since 1970. */
export interface ProviderTokens {
  /** Who gave them, and to which client, so that nobody who comes under the provider's name gets them. Absent in rows of the version before. */
  readonly issuer?: string | undefined;
  readonly clientId?: string | undefined;
  readonly accessToken: string | undefined;
  readonly accessExpiresAt: number | undefined;
  readonly refreshToken: string | undefined;
  /** `undefined`: the provider named no end. */
  readonly refreshExpiresAt: number | undefined;
  /** For `id_token_hint` at logout. */
  readonly idToken: string | undefined;
}

/** What is minted for a user, without what changes from token to token. */
export interface UserClaims {
  readonly sub: string;
  readonly [claim: string]: unknown;
}

type Claims = Readonly<Record<string, unknown>>;

/** What the identity provider said of the user, by where it said so. */
export interface SaidClaims {
  /** In its access token, when that is a JWT that verified and was about the same user. */
  readonly accessToken?: Claims | undefined;
  readonly idToken?: Claims | undefined;
  /** Where it was asked. */
  readonly userinfo?: Claims | undefined;
}

/** What a session remembers in secret. */
export interface SessionContent {
  readonly provider: ProviderTokens;
  /** `sub` at the identity provider, which must stay the same (OpenID Connect Core §12.2). */
  readonly providerSubject: string;
  /** `iat` of the login's ID token: when the session began by the provider's clock. Absent in rows of the version before. */
  readonly loginIat?: number | undefined;
  /** When the provider said last what is in {@link claims}, in seconds since 1970; of sessions of browsers alone. */
  readonly claimsAt?: number | undefined;
  /** What it was begun with, such as "Firefox on Linux". Absent where nobody knows, in rows of the version before, and once that renewed them. */
  readonly device?: string | undefined;
  /** Where it was begun; with the option `broker.sessionAddresses` alone. */
  readonly address?: string | undefined;
  /** The claims of the last mint. */
  readonly claims: UserClaims;
  /** What the userinfo route says beside the claims: names. */
  readonly profile: Readonly<Record<string, unknown>>;
  /** What rights are judged by where the provider says nothing at a refresh; `undefined` when there was no room for it. */
  readonly said: SaidClaims | undefined;
  /** Granted scopes, space separated. */
  readonly scope: string;
  /** Our current refresh token, for those who repeat the one before in its grace time. */
  readonly refreshToken: string | undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function record(value: unknown): Claims | undefined {
  return isRecord(value) ? value : undefined;
}

function saidIn(value: unknown): SaidClaims | undefined {
  if (!isRecord(value)) return undefined;
  const { accessToken, idToken, userinfo } = value;
  return {
    accessToken: record(accessToken),
    idToken: record(idToken),
    userinfo: record(userinfo),
  };
}

function parse(json: string): SessionContent | undefined {
  const value: unknown = JSON.parse(json);
  if (!isRecord(value)) return undefined;
  const {
    provider,
    providerSubject,
    loginIat,
    claimsAt,
    device,
    address,
    claims,
    profile,
    said,
    scope,
    refreshToken,
  } = value;
  if (!isRecord(provider) || !isRecord(claims) || typeof claims['sub'] !== 'string')
    return undefined;
  if (typeof providerSubject !== 'string' || typeof scope !== 'string') return undefined;
  return {
    provider: {
      issuer: text(provider['issuer']),
      clientId: text(provider['clientId']),
      accessToken: text(provider['accessToken']),
      accessExpiresAt: number(provider['accessExpiresAt']),
      refreshToken: text(provider['refreshToken']),
      refreshExpiresAt: number(provider['refreshExpiresAt']),
      idToken: text(provider['idToken']),
    },
    providerSubject,
    loginIat: number(loginIat),
    ...(claimsAt === undefined ? {} : { claimsAt: number(claimsAt) }),
    ...(device === undefined ? {} : { device: text(device) }),
    ...(address === undefined ? {} : { address: text(address) }),
    claims: { ...claims, sub: claims['sub'] },
    profile: isRecord(profile) ? profile : {},
    said: saidIn(said),
    scope,
    refreshToken: text(refreshToken),
  };
}

/** Encrypts what a session remembers, for its own row alone. */
export class SessionContents {
  readonly #sealer: RowSealer;

  constructor(keyRing: KeyRing) {
    this.#sealer = keyRing.rowSealer('session');
  }

  /**
   * Encrypts it. Where the row would become too long, the provider's access token is left out, which can be had again, then its ID
   * token, which only spares a question at logout, and then what the provider said.
   *
   * @returns `undefined` when it is too long even so.
   */
  async seal(sessionId: string, content: SessionContent): Promise<string | undefined> {
    const provider = { ...content.provider, accessToken: undefined, accessExpiresAt: undefined };
    const noAccessToken = { ...content, provider };
    const noIdToken = { ...noAccessToken, provider: { ...provider, idToken: undefined } };
    const least = { ...noIdToken, said: undefined };
    for (const kept of [content, noAccessToken, noIdToken, least]) {
      const sealed = await this.#sealer.seal(JSON.stringify(kept), placeOf(sessionId));
      if (sealed.length <= MAX_SEALED_LENGTH) return sealed;
    }
    return undefined;
  }

  /** `undefined` when it cannot be decrypted here, or belongs to another row. */
  async open(sessionId: string, sealed: string): Promise<SessionContent | undefined> {
    const opened = await this.#sealer.open(sealed, placeOf(sessionId));
    return opened && parse(opened.text);
  }
}

function placeOf(sessionId: string): string {
  return `session/${sessionId}/content`;
}
