import {
  type CryptoKey,
  type JWK,
  type JWTPayload,
  SignJWT,
  exportJWK,
  generateKeyPair,
} from 'jose';

interface IssuerKey {
  readonly privateKey: CryptoKey;
  readonly published: JWK;
}

const ALGORITHM = 'ES256'; // made in a millisecond, where RSA takes a second

/** The signing keys of an issuer for tests. */
export class IssuerKeys {
  #current: IssuerKey;

  private constructor(first: IssuerKey) {
    this.#current = first;
  }

  static async create(): Promise<IssuerKeys> {
    return new IssuerKeys(await makeKey());
  }

  /** RFC 7517 §5. */
  published(): { readonly keys: readonly JWK[] } {
    return { keys: [this.#current.published] };
  }

  /** From now on another key signs, and the former one is published no more. */
  async rotate(): Promise<void> {
    this.#current = await makeKey();
  }

  sign(claims: JWTPayload, typ: string): Promise<string> {
    const { privateKey, published } = this.#current;
    return new SignJWT(claims)
      .setProtectedHeader({ alg: ALGORITHM, typ, kid: published.kid ?? '' })
      .sign(privateKey);
  }
}

async function makeKey(): Promise<IssuerKey> {
  const { privateKey, publicKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  const published = {
    ...(await exportJWK(publicKey)),
    kid: crypto.randomUUID(),
    alg: ALGORITHM,
    use: 'sig',
  };
  return { privateKey, published };
}
