import { randomBytes, sign } from 'node:crypto';

import {
  compactJws,
  fixedSignature,
  hmacSigner,
  keySigner,
  unsigned,
  type Signer,
} from './compact-jws.js';
import type { SigningKey } from './signing-keys.js';
import { vectors, type TokenVector, type VectorKit } from './token-vector.js';

/** The order of P-256: as `r` and `s` it equals zero. */
const P256_ORDER = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551';

/** JV-1: confusion of algorithms, `none`, and public keys as shared secrets. */
export function algorithmVectors(kit: VectorKit): TokenVector[] {
  const { key, signer } = kit;
  const named = (alg: unknown): string => kit.token({}, { alg });
  const unsignedAs = (alg: string): string => kit.token({}, { alg }, unsigned(alg));

  return [
    ...vectors('JV-1', 'refuse', {
      'alg none without signature': unsignedAs('none'),
      'alg None': unsignedAs('None'),
      'alg NONE': unsignedAs('NONE'),
      'alg nOnE': unsignedAs('nOnE'),
      'alg none without kid': kit.token({}, { alg: 'none', kid: undefined }, unsigned()),
      'alg none with a genuine signature': named('none'),
      'no alg': named(undefined),
      'alg null': named(null),
      'alg empty': named(''),
      'alg a number': named(256),
      'alg a list': named([signer.alg]),
      'alg in lower case': named(signer.alg.toLowerCase()),
      'alg with a space': named(`${signer.alg} `),
      'alg an unknown name': named('XS256'),
      'alg constructor': named('constructor'),
      'alg __proto__': compactJws(
        `{"alg":"__proto__","kid":${JSON.stringify(key.kid)}}`,
        kit.claims,
        signer,
      ),
      'alg RS1': named('RS1'),
    }),
    ...vectors('JV-1', 'refuse', hmacTokens(kit)),
  ];
}

/** JV-2: algorithm, key and curve that do not fit each other, and signatures that are none. */
export function signatureVectors(kit: VectorKit): TokenVector[] {
  const { key, attacker } = kit;
  const genuine = kit.token();
  const signed = (signer: Signer, header = {}): string =>
    kit.token({}, { alg: signer.alg, kid: key.kid, ...header }, signer);
  const bytes = (signature: Buffer): string => signed(fixedSignature(signature, kit.signer));
  const good = Buffer.from(genuine.split('.')[2] ?? '', 'base64url');
  const flipped = Buffer.from(good);
  flipped.writeUInt8(flipped.readUInt8(7) ^ 1, 7);

  return vectors('JV-2', 'refuse', {
    'ES256 header with the kid of the key, signed by a foreign EC key': signed(
      keySigner(attacker.ES256),
    ),
    'EdDSA header with the kid of the key, signed by a foreign key': signed(
      keySigner(attacker.EdDSA),
    ),
    'RS256 by a foreign key under the kid of the key': signed(keySigner(attacker.RS256)),
    'another algorithm named over a genuine signature': kit.token(
      {},
      { alg: key.alg === 'ES256' ? 'RS256' : 'ES256' },
    ),
    'an empty signature': bytes(Buffer.alloc(0)),
    'a zero signature': bytes(Buffer.alloc(good.length)),
    'a truncated signature': bytes(good.subarray(0, -1)),
    'half a signature': bytes(good.subarray(0, good.length / 2)),
    'a signature with one byte more': bytes(Buffer.concat([good, Buffer.of(0)])),
    'a signature with one bit flipped': bytes(flipped),
    'a random signature': bytes(randomBytes(good.length)),
    'the signature of another token': bytes(
      Buffer.from(kit.token({ sub: 'somebody-else' }).split('.')[2] ?? '', 'base64url'),
    ),
    ...rsaTokens(kit),
    ...ecTokens(kit),
  });
}

function hmacTokens(kit: VectorKit): Record<string, string> {
  const { key, source } = kit;
  const pem = key.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const secrets: Record<string, string | Buffer> = {
    'the PEM': pem,
    'the PEM without its line break': pem.trim(),
    'the DER': key.publicKey.export({ type: 'spki', format: 'der' }),
    'the published JWK': JSON.stringify(key.publicJwk),
    'the published key set': JSON.stringify({ keys: source.keys.map((entry) => entry.publicJwk) }),
    'the modulus or coordinate': Buffer.from(key.publicJwk.n ?? key.publicJwk.x ?? '', 'base64url'),
    'an empty secret': '',
    'the kid': key.kid,
    ...(source.clientSecret === undefined ? {} : { 'the client secret': source.clientSecret }),
  };
  if (key.publicKey.asymmetricKeyType === 'rsa') {
    secrets['the PKCS #1 PEM'] = key.publicKey.export({ type: 'pkcs1', format: 'pem' });
  }

  const named = Object.entries(secrets).flatMap(([name, secret]) =>
    ['HS256', 'HS384', 'HS512'].map((alg): [string, string] => [
      `${alg} with ${name} as secret`,
      kit.token({}, { alg }, hmacSigner(secret, alg)),
    ]),
  );
  return Object.fromEntries(named);
}

function rsaTokens(kit: VectorKit): Record<string, string> {
  const rsa = kit.published('RS256');
  if (rsa === undefined) return {};
  const under = (key: SigningKey, alg: string): string =>
    kit.token({}, { alg, kid: rsa.kid }, keySigner(key, alg));
  const ec = kit.published('ES256');

  return {
    'PS256, genuine, by a key published for RS256': under(rsa, 'PS256'),
    'RS512, genuine, by a key published for RS256': under(rsa, 'RS512'),
    'ES256 named over an RSA signature': kit.token(
      {},
      { alg: 'ES256', kid: rsa.kid },
      keySigner(rsa),
    ),
    ...(ec === undefined
      ? {}
      : {
          'ES256, genuine, under the kid of the RSA key': under(ec, 'ES256'),
          'RS256, genuine, under the kid of the EC key': kit.token(
            {},
            { alg: 'RS256', kid: ec.kid },
            keySigner(rsa),
          ),
        }),
  };
}

function ecTokens(kit: VectorKit): Record<string, string> {
  const ec = kit.published('ES256');
  if (ec === undefined) return {};
  const signer = keySigner(ec);
  const header = { alg: 'ES256', kid: ec.kid };
  const forged = (signature: Buffer): string =>
    kit.token({}, header, fixedSignature(signature, signer));
  const order = Buffer.from(P256_ORDER, 'hex');
  const derSigner = {
    ...signer,
    sign: (input: string) => sign('sha256', Buffer.from(input), ec.privateKey),
  };

  return {
    'r = s = 0': forged(Buffer.alloc(64)),
    'r = s = 0 in DER': forged(Buffer.from('3006020100020100', 'hex')),
    'r = s = the order of the curve': forged(Buffer.concat([order, order])),
    'r = s = 1': forged(
      Buffer.concat([Buffer.alloc(31), Buffer.of(1), Buffer.alloc(31), Buffer.of(1)]),
    ),
    'a genuine ES256 signature in DER': kit.token({}, header, derSigner),
    'ES384 named over a genuine ES256 signature': kit.token(
      {},
      { ...header, alg: 'ES384' },
      signer,
    ),
    'ES256K named over a genuine ES256 signature': kit.token(
      {},
      { ...header, alg: 'ES256K' },
      signer,
    ),
  };
}
