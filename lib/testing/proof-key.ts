import { hash } from 'node:crypto';
import {
  type CryptoKey,
  type JWK,
  SignJWT,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
} from 'jose';
import { type Clock, epochSeconds } from '../clock/clock.js';

/** The request that a proof is made for. */
export interface TestProofRequest {
  readonly method: string;
  /** Absolute: below the application's `publicUrl`. */
  readonly url: string;
  /** The access token that it is sent with; left out at a token route. */
  readonly token?: string;
  /** From the header `DPoP-Nonce`. */
  readonly nonce?: string;
}

/** The key of a client that proves to hold it (RFC 9449 §4.2). */
export class ProofKey {
  private constructor(
    private readonly privateKey: CryptoKey,
    private readonly jwk: JWK,
    /** Its thumbprint (RFC 7638). */
    readonly jkt: string,
    private readonly clock: Clock,
  ) {}

  static async create(clock: Clock): Promise<ProofKey> {
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    const jwk = await exportJWK(publicKey);
    return new ProofKey(privateKey, jwk, await calculateJwkThumbprint(jwk), clock);
  }

  proof({ method, url, token, nonce }: TestProofRequest): Promise<string> {
    return new SignJWT({
      jti: crypto.randomUUID(),
      htm: method,
      htu: url.replace(/[?#].*$/, ''),
      ...(token === undefined ? {} : { ath: hash('sha256', token, 'base64url') }),
      ...(nonce === undefined ? {} : { nonce }),
    })
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: this.jwk })
      .setIssuedAt(epochSeconds(this.clock))
      .sign(this.privateKey);
  }
}
