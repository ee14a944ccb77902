import { compactJws, keySigner, type JsonMembers, type Signer } from './compact-jws.js';
import { testKey, type KeyAlgorithm, type SigningKey } from './signing-keys.js';
import { alice } from './users.js';

/** The issuer whose tokens are imitated, and what the verifier expects of them. */
export interface VectorSource {
  readonly issuer: string;
  readonly audience: string;
  readonly clientId: string;
  readonly clientSecret?: string;
  /** The published keys, the first one signs. */
  readonly keys: readonly SigningKey[];
  /** `own`: tokens that this module or a peer mints, with the header `typ: at+jwt`. @defaultValue `'idp'` */
  readonly kind?: 'idp' | 'own';
  /** More claims of a good token. */
  readonly claims?: JsonMembers;
  /** The clock of the verifier; default: the real time. */
  readonly now?: () => Date;
  /** @defaultValue `5` */
  readonly toleranceSec?: number;
  /** @defaultValue 31 days */
  readonly maxTokenAgeSec?: number;
  /** Where headers such as `jku` point. @defaultValue `'http://127.0.0.1:9/attacker'` */
  readonly attackerUrl?: string;
}

/** A row of the checklist that is about tokens. */
export type VectorId =
  'JV-1' | 'JV-2' | 'JV-3' | 'JV-4' | 'JV-5' | 'JV-6' | 'JV-7' | 'JV-8' | 'JV-9';

/** A token and what a verifier has to do with it. */
export interface TokenVector {
  readonly id: VectorId;
  readonly name: string;
  readonly token: string;
  /** `either`: the requirement leaves it open; it must not fail in any other way than a refusal. */
  readonly verdict: 'refuse' | 'accept' | 'either';
  /** Whether an `Authorization` header can carry it unchanged. */
  readonly fitsHeader: boolean;
}

const MONTH_SEC = 31 * 24 * 3600;

/** What the makers of vectors share: the imitated issuer, its good token, and an attacker's keys. */
export class VectorKit {
  readonly signer: Signer;
  readonly header: JsonMembers;
  readonly claims: JsonMembers;
  readonly nowSec: number;
  readonly toleranceSec: number;
  readonly maxTokenAgeSec: number;
  readonly attackerUrl: string;

  private constructor(
    readonly source: VectorSource,
    readonly key: SigningKey,
    readonly attacker: Readonly<Record<KeyAlgorithm, SigningKey>>,
  ) {
    this.toleranceSec = source.toleranceSec ?? 5;
    this.maxTokenAgeSec = source.maxTokenAgeSec ?? MONTH_SEC;
    this.attackerUrl = source.attackerUrl ?? 'http://127.0.0.1:9/attacker';
    this.nowSec = Math.floor((source.now?.() ?? new Date()).getTime() / 1000);
    this.signer = keySigner(key);

    const own = source.kind === 'own';
    this.header = { alg: key.alg, kid: key.kid, typ: own ? 'at+jwt' : 'JWT' };
    this.claims = {
      iss: source.issuer,
      aud: source.audience,
      sub: alice.sub,
      iat: this.nowSec,
      exp: this.nowSec + 300,
      jti: 'vector-token-id',
      scope: 'openid profile email myscope',
      preferred_username: alice.preferred_username,
      ...(own ? { roles: ['staff'] } : { azp: source.clientId, typ: 'Bearer' }),
      ...source.claims,
    };
  }

  static async of(source: VectorSource): Promise<VectorKit> {
    const [key] = source.keys;
    if (key === undefined) throw new Error('Vectors need a key');
    const [rsa, ec, ed] = await Promise.all([
      testKey('RS256', 'attacker'),
      testKey('ES256', 'attacker'),
      testKey('EdDSA', 'attacker'),
    ]);
    return new VectorKit(source, key, { RS256: rsa, ES256: ec, EdDSA: ed });
  }

  /** The published key for this algorithm. */
  published(alg: KeyAlgorithm): SigningKey | undefined {
    return this.source.keys.find((key) => key.alg === alg);
  }

  /** A good token with these claims and header members changed, really signed. */
  token(claims: JsonMembers = {}, header: JsonMembers = {}, signer: Signer = this.signer): string {
    return compactJws({ ...this.header, ...header }, { ...this.claims, ...claims }, signer);
  }

  /** A good token in which one claim is this JSON text, which may be no JavaScript value at all. */
  tokenWithRaw(claim: string, json: string): string {
    const { [claim]: _replaced, ...others } = this.claims;
    const text = JSON.stringify(others);
    return compactJws(this.header, `${text.slice(0, -1)},"${claim}":${json}}`, this.signer);
  }
}

/** A list of vectors of one row. */
export function vectors(
  id: VectorId,
  verdict: TokenVector['verdict'],
  tokens: Readonly<Record<string, string>>,
): TokenVector[] {
  return Object.entries(tokens).map(([name, token]) => {
    const fitsHeader = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(token);
    return { id, name, token, verdict, fitsHeader };
  });
}
