import type { TokenPatch } from './behaviour.js';
import {
  fixedSignature,
  hmacSigner,
  keySigner,
  unsigned,
  type JsonMembers,
  type Signer,
} from './compact-jws.js';
import { testKey, withKid, type SigningKey } from './signing-keys.js';

/** Whose ID tokens are spoiled. */
export interface MutationSource {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly audience: string;
  /** Published keys: RSA first, then P-256. */
  readonly keys: readonly SigningKey[];
  /** Nonce of another login. */
  readonly staleNonce: string;
}

const nowSec = (): number => Math.floor(Date.now() / 1000);

function merged(changes: JsonMembers): (members: JsonMembers) => JsonMembers {
  return (members) => ({ ...members, ...changes });
}

/** One claim that does not hold, in tokens that are rightly signed. */
function claimMutations(source: MutationSource): Record<string, JsonMembers> {
  const { issuer, clientId, audience, staleNonce } = source;
  return {
    'another iss': { iss: 'https://evil.example' },
    'an iss with a slash more': { iss: `${issuer}/` },
    'an iss in a list': { iss: [issuer] },
    'no iss': { iss: undefined },
    'another aud': { aud: 'other-client' },
    'the audience of access tokens as aud': { aud: audience },
    'an aud that begins with ours': { aud: `${clientId}-2` },
    'a list as aud without ours': { aud: ['other-client', 'third-client'] },
    'an empty list as aud': { aud: [] },
    'no aud': { aud: undefined },
    'another azp': { azp: 'other-client' },
    'another azp beside several aud': { aud: [clientId, 'other-client'], azp: 'other-client' },
    'an azp that is no text': { azp: [clientId] },
    'an exp in the past': { exp: nowSec() - 10 },
    'an exp that is text': { exp: String(nowSec() + 300) },
    'no exp': { exp: undefined },
    'an iat in the future': { iat: nowSec() + 60 },
    'an iat that is text': { iat: String(nowSec()) },
    'no iat': { iat: undefined },
    'another nonce': { nonce: 'nonce-of-nobody' },
    'the nonce of an earlier login': { nonce: staleNonce },
    'an empty nonce': { nonce: '' },
    'a nonce that is no text': { nonce: null },
    'no nonce': { nonce: undefined },
    'an empty sub': { sub: '' },
    'a sub that is no text': { sub: 1 },
    'no sub': { sub: undefined },
  };
}

async function signatureMutations({
  clientSecret,
  keys,
}: MutationSource): Promise<Record<string, TokenPatch>> {
  const [rsa, ec] = keys;
  if (rsa?.alg !== 'RS256' || ec?.alg !== 'ES256') throw new Error('RSA and P-256 keys, in order');
  const attacker = await testKey('RS256', 'attacker');
  const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' });
  const signers: Record<string, Signer | SigningKey> = {
    'the key of somebody else': attacker,
    'the key of somebody else under a published kid': withKid(attacker, rsa.kid),
    'a signature over something else': { ...keySigner(rsa), sign: () => keySigner(rsa).sign('x') },
    'a signature of zeros': fixedSignature(Buffer.alloc(64), keySigner(ec)),
    'an empty signature': fixedSignature(Buffer.alloc(0), keySigner(rsa)),
    'alg none': unsigned(),
    'alg none and a published kid': { ...unsigned(), kid: rsa.kid },
    'alg nOnE': unsigned('nOnE'),
    'HS256 with the public key': hmacSigner(pem, 'HS256', rsa.kid),
    'HS256 with the public key as JWK': hmacSigner(JSON.stringify(rsa.publicJwk), 'HS256', rsa.kid),
    'HS256 with the client secret': hmacSigner(clientSecret),
    'the algorithm of another key': { ...keySigner(ec), kid: rsa.kid },
    'an algorithm that the key is not for': keySigner(rsa, 'PS256'),
  };
  const patches = Object.entries(signers).map(([name, signer]) => [name, { signer }]);
  return Object.fromEntries(patches);
}

function changed(changes: JsonMembers): TokenPatch {
  return { header: merged(changes) };
}

function headerMutations(attacker: SigningKey): Record<string, TokenPatch> {
  const jwk = attacker.publicJwk;
  return {
    'a critical header extension': changed({ crit: ['exp'] }),
    'an unencoded payload': changed({ b64: false, crit: ['b64'] }),
    'a kid with a path': changed({ kid: '../../dev/null' }),
    'a kid that is no text': changed({ kid: 1 }),
    'a key that it brings along': { ...changed({ jwk }), signer: attacker },
    'a key that it brings along and no kid': {
      ...changed({ jwk, kid: undefined }),
      signer: attacker,
    },
  };
}

/** ID tokens that a login must not end with: one thing wrong each (OpenID Connect Core §3.1.3.7). */
export async function idTokenMutations(
  source: MutationSource,
): Promise<ReadonlyMap<string, TokenPatch>> {
  const byClaim = Object.entries(claimMutations(source)).map(
    ([name, changes]): [string, TokenPatch] => [name, { claims: merged(changes) }],
  );
  const byHeader = Object.entries(headerMutations(await testKey('RS256', 'attacker')));
  const bySignature = Object.entries(await signatureMutations(source));
  return new Map([...byClaim, ...bySignature, ...byHeader]);
}
