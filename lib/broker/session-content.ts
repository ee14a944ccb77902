import { Injectable } from '@nestjs/common';
import { isRecord } from '../options/value-rules.js';
import { KeyRing } from '../sealing/key-ring.js';
import type { RowSealer } from '../sealing/key-ring.js';

const MAX_SEALED_LENGTH = 60_000;

/** Tokens of the identity provider, which never leave the server. Times are seconds since 1970. */
export interface ProviderTokens {
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

/** What a session remembers in secret. */
export interface SessionContent {
  readonly provider: ProviderTokens;
  /** `sub` at the identity provider, which must stay the same (OpenID Connect Core §12.2). */
  readonly providerSubject: string;
  /** `iat` of the login's ID token: when the session began by the provider's clock. Absent in rows of the version before. */
  readonly loginIat?: number | undefined;
  /** The claims of the last mint. */
  readonly claims: UserClaims;
  /** What the userinfo route says beside the claims: names. */
  readonly profile: Readonly<Record<string, unknown>>;
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

function parse(json: string): SessionContent | undefined {
  const value: unknown = JSON.parse(json);
  if (!isRecord(value)) return undefined;
  const { provider, providerSubject, loginIat, claims, profile, scope, refreshToken } = value;
  if (!isRecord(provider) || !isRecord(claims) || typeof claims['sub'] !== 'string')
    return undefined;
  if (typeof providerSubject !== 'string' || typeof scope !== 'string') return undefined;
  return {
    provider: {
      accessToken: text(provider['accessToken']),
      accessExpiresAt: number(provider['accessExpiresAt']),
      refreshToken: text(provider['refreshToken']),
      refreshExpiresAt: number(provider['refreshExpiresAt']),
      idToken: text(provider['idToken']),
    },
    providerSubject,
    loginIat: number(loginIat),
    claims: { ...claims, sub: claims['sub'] },
    profile: isRecord(profile) ? profile : {},
    scope,
    refreshToken: text(refreshToken),
  };
}

/** Encrypts what a session remembers, for its own row alone. */
@Injectable()
export class SessionContents {
  readonly #sealer: RowSealer;

  constructor(keyRing: KeyRing) {
    this.#sealer = keyRing.rowSealer('session');
  }

  /**
   * Encrypts it; the provider's access token, which can be had again, and then its ID token, which only spares a question at
   * logout, are left out where the row would become too long.
   *
   * @returns `undefined` when it is too long even so.
   */
  async seal(sessionId: string, content: SessionContent): Promise<string | undefined> {
    const { provider } = content;
    const noAccessToken = { ...provider, accessToken: undefined, accessExpiresAt: undefined };
    const noIdToken = { ...noAccessToken, idToken: undefined };
    for (const kept of [provider, noAccessToken, noIdToken]) {
      const sealed = await this.#sealer.seal(
        JSON.stringify({ ...content, provider: kept }),
        placeOf(sessionId),
      );
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
