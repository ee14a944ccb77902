import {
  type KeyObject,
  type KeyPairKeyObjectResult,
  createHash,
  generateKeyPairSync,
  randomUUID,
} from 'node:crypto';

import { type JWK, SignJWT, calculateJwkThumbprint, exportJWK } from 'jose';

/** What a proof says, and what a test changes of it; `undefined` leaves a member out. */
export interface ProofParts {
  readonly method: string;
  readonly url: string;
  readonly token?: string;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly claims?: Readonly<Record<string, unknown>>;
}

function without<T extends object>(members: T): T {
  for (const [name, value] of Object.entries(members)) {
    if (value === undefined) Reflect.deleteProperty(members, name);
  }
  return members;
}

let rsa: KeyPairKeyObjectResult | undefined;

/** An RSA key takes long to make, and is good for all algorithms: of these there is one. */
function keysFor(alg: string): KeyPairKeyObjectResult {
  if (alg.startsWith('Ed')) return generateKeyPairSync('ed25519');
  if (alg.startsWith('ES')) {
    const bits = alg.slice(2) === '512' ? '521' : alg.slice(2);
    return generateKeyPairSync('ec', { namedCurve: `P-${bits}` });
  }
  rsa ??= generateKeyPairSync('rsa', { modulusLength: 2048 });
  return rsa;
}

/** SHA-256 of a token as a proof names it (RFC 9449 §4.2). */
export function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

/** A client with a key of its own, by RFC 9449 and by nothing of ours. */
export class ProvingClient {
  private constructor(
    readonly alg: string,
    readonly privateKey: KeyObject,
    readonly jwk: JWK,
    readonly jkt: string,
  ) {}

  static async create(alg = 'ES256'): Promise<ProvingClient> {
    const { privateKey, publicKey } = keysFor(alg);
    const jwk = await exportJWK(publicKey);
    return new ProvingClient(alg, privateKey, jwk, await calculateJwkThumbprint(jwk));
  }

  /** `iat` is that of the system clock, unless the claims say another. */
  async proof({ method, url, token, header, claims }: ProofParts): Promise<string> {
    const payload = without({
      jti: randomUUID(),
      htm: method,
      htu: url.replace(/[?#].*$/, ''),
      iat: Math.floor(Date.now() / 1000),
      ...(token === undefined ? {} : { ath: hashOf(token) }),
      ...claims,
    });
    const protectedHeader = without({ alg: this.alg, typ: 'dpop+jwt', jwk: this.jwk, ...header });
    return new SignJWT(payload).setProtectedHeader(protectedHeader).sign(this.privateKey);
  }

  /** The headers of a request with a token of this key. */
  async headers(parts: ProofParts & { readonly token: string }): Promise<Record<string, string>> {
    return { authorization: `DPoP ${parts.token}`, dpop: await this.proof(parts) };
  }
}
