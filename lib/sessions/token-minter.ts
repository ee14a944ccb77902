import { randomUUID } from 'node:crypto';
import { type Clock, epochSeconds } from '../clock/clock.js';
import { SafeLogger } from '../errors/safe-logger.js';
import type { ResolvedBrokerOptions } from '../options/resolve-broker.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { DEFAULT_PROVIDER } from '../options/resolve-provider.js';
import type { UserClaims } from './session-content.js';
import { signJwt } from '../keys/sign-jwt.js';
import type { SigningKeys } from '../keys/signing-keys.js';

/** What a minted token is for. */
export interface MintRequest {
  readonly claims: UserClaims;
  /** Name of the identity provider that the user logged in with, and our client there. */
  readonly provider: string;
  readonly clientId: string;
  /** Of the provider; sessions of a version before do not know it. */
  readonly providerIssuer?: string | undefined;
  /** Space separated. */
  readonly scope: string;
  /** Thumbprint of the key that it is bound to (RFC 9449 §6.1); `undefined`: a bearer token. */
  readonly boundTo?: string | undefined;
  /** `undefined`: the token belongs to no session. */
  readonly sessionId: string | undefined;
  /** It expires then at the latest: the end of its session, or of the token that it was exchanged for. */
  readonly notAfter: Date;
}

/** A minted access token; `expiresAt` in seconds since 1970. */
export interface MintedToken {
  readonly token: string;
  readonly expiresAt: number;
}

/** Signs access tokens of our own (RFC 9068). */
export class TokenMinter {
  readonly #logger = new SafeLogger();

  constructor(
    private readonly options: ResolvedOptions,
    private readonly broker: ResolvedBrokerOptions,
    private readonly clock: Clock,
    private readonly keys: SigningKeys,
  ) {}

  /** Makes sure that a token could be signed now. @throws {@link OAuthError} 503 */
  async prepare(): Promise<void> {
    await this.keys.current();
  }

  /** @throws {@link OAuthError} 503 while there is no key to sign with. */
  async mint({
    claims,
    provider,
    clientId,
    providerIssuer,
    scope,
    boundTo,
    sessionId,
    notAfter,
  }: MintRequest): Promise<MintedToken> {
    const {
      maxTokenBytes,
      providers: { several },
    } = this.options;
    const key = await this.keys.current();
    const iat = epochSeconds(this.clock);
    // The key's limit is what the instances agree on, whatever the options of each say: revocations are kept as long.
    const lifetimeSec = Math.min(
      this.broker.accessTokenLifetimeSec,
      key.tokenLifetimeSec ?? Infinity,
    );
    const expiresAt = Math.min(iat + lifetimeSec, Math.floor(notAfter.getTime() / 1000));
    const said = {
      ...claims,
      iss: this.broker.issuer,
      aud: this.broker.audience,
      client_id: clientId,
      // With one provider, whose options are at the top, there is nothing to tell apart. With several another one can come under the name.
      ...(several || provider !== DEFAULT_PROVIDER ? { idp: provider } : {}),
      ...(several && providerIssuer !== undefined ? { idp_iss: providerIssuer } : {}),
      scope,
      jti: randomUUID(),
      ...(sessionId === undefined ? {} : { sid: sessionId }),
      ...(boundTo === undefined ? {} : { cnf: { jkt: boundTo } }),
      iat,
      exp: expiresAt,
    };
    const token = await signJwt(said, 'at+jwt', key);
    if (token.length > maxTokenBytes) {
      this.#logger.error(
        `A minted token has ${token.length} bytes, more than "maxTokenBytes" (${maxTokenBytes}), so the guard refuses it: ` +
          'the user has too many roles, or "broker.mapClaims" adds too much',
      );
    }
    return { token, expiresAt };
  }
}
