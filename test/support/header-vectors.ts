import { createHash } from 'node:crypto';

import { compactJws, keySigner, type JsonMembers } from './compact-jws.js';
import { selfSignedCertificate } from './self-signed-certificate.js';
import { vectors, type TokenVector, type VectorKit } from './token-vector.js';

/** JV-3: keys and addresses of keys that come with the token (RFC 7515 §4.1.2-4.1.8). */
export function embeddedKeyVectors(kit: VectorKit): TokenVector[] {
  const attacker = kit.attacker.RS256;
  const signer = keySigner(attacker);
  const offers = Object.entries(keyOffers(kit));

  const forged = offers.flatMap(([name, offer]): [string, string][] => [
    [`${name}, kid of the issuer`, kit.token({}, { alg: 'RS256', ...offer }, signer)],
    [
      `${name}, kid of the attacker`,
      kit.token({}, { alg: 'RS256', kid: attacker.kid, ...offer }, signer),
    ],
    [`${name}, no kid`, kit.token({}, { alg: 'RS256', kid: undefined, ...offer }, signer)],
  ]);
  const genuine = offers.map(([name, offer]): [string, string] => [
    `${name} in a genuine token is ignored`,
    kit.token({}, offer),
  ]);
  return [
    ...vectors('JV-3', 'refuse', Object.fromEntries(forged)),
    ...vectors('JV-3', 'accept', Object.fromEntries(genuine)),
  ];
}

/** JV-4: key ids that are meant for a file system, a database or an object, in really signed tokens. */
export function keyIdVectors(kit: VectorKit): TokenVector[] {
  const { kid } = kit.key;
  const named = (value: unknown): string => kit.token({}, { kid: value });
  const raw = (json: string): string =>
    compactJws(`{"alg":"${kit.signer.alg}","typ":"JWT","kid":${json}}`, kit.claims, kit.signer);

  return vectors('JV-4', 'refuse', {
    'kid with a path': named('../../../../dev/null'),
    'kid with a path to the key': named(`../keys/${kid}`),
    'kid /dev/null': named('/dev/null'),
    'kid __proto__': raw('"__proto__"'),
    'kid constructor': named('constructor'),
    'kid toString': named('toString'),
    'kid hasOwnProperty': named('hasOwnProperty'),
    'kid with SQL': named("' OR 1=1 --"),
    'kid with a UNION': named("x' UNION SELECT 'key"),
    'kid with a shell command': named('| touch /tmp/pwned'),
    'kid with a null byte': named(`${kid}\0`),
    'kid with a line break': named(`${kid}\r\nX-Header: 1`),
    'kid with a space': named(`${kid} `),
    'kid in upper case': named(kid.toUpperCase() === kid ? kid.toLowerCase() : kid.toUpperCase()),
    'kid shortened': named(kid.slice(0, -1)),
    'kid a URL': named(kit.attackerUrl),
    'kid empty': named(''),
    'kid a number': named(1),
    'kid zero': named(0),
    'kid true': named(true),
    'kid null': named(null),
    'kid a list': named([kid]),
    'kid an object': named({ kid }),
    'kid an object with $ne': named({ $ne: '' }),
    'kid an object with toString': named({ toString: kid }),
    'kid of 257 characters': named('k'.repeat(257)),
    'kid of 10 kB': named('k'.repeat(10_000)),
    'kid unknown': named('unknown-key-id'),
  });
}

/**
 * A really signed token without `kid`: refused for own and peer tokens; an identity provider's is accepted
 * only when exactly one of its keys fits.
 */
export function tokenWithoutKid(kit: VectorKit): string {
  return kit.token({}, { kid: undefined });
}

function keyOffers(kit: VectorKit): Record<string, JsonMembers> {
  const attacker = kit.attacker.RS256;
  const certificate = selfSignedCertificate(attacker, 'attacker');
  const thumbprint = (hash: string): string =>
    createHash(hash).update(certificate).digest('base64url');

  return {
    jwk: { jwk: attacker.publicJwk },
    'jwk with the kid of the issuer': { jwk: { ...attacker.publicJwk, kid: kit.key.kid } },
    jku: { jku: `${kit.attackerUrl}/jwks.json` },
    x5u: { x5u: `${kit.attackerUrl}/certificate.pem` },
    x5c: { x5c: [certificate.toString('base64')] },
    x5t: { x5t: thumbprint('sha1'), 'x5t#S256': thumbprint('sha256') },
    'all of them': {
      jwk: attacker.publicJwk,
      jku: `${kit.attackerUrl}/jwks.json`,
      x5u: `${kit.attackerUrl}/certificate.pem`,
      x5c: [certificate.toString('base64')],
    },
  };
}
