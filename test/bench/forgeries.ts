import { randomBytes } from 'node:crypto';

import { AUDIENCE, type BenchIssuer, KEY_ID } from './issuer.js';

const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');

const SIGNATURE_BYTES = 256;

interface Forged {
  readonly header?: object;
  readonly claims?: object;
}

/** A token that nobody signed. */
function forged(issuer: BenchIssuer, at: number, { header, claims }: Forged = {}): string {
  const nowSec = Math.floor(Date.now() / 1000);
  const said = {
    iss: issuer.issuer,
    sub: `user-${at}`,
    aud: AUDIENCE,
    typ: 'Bearer',
    iat: nowSec,
    exp: nowSec + 3600,
    ...claims,
  };
  const signature = randomBytes(SIGNATURE_BYTES).toString('base64url');
  return `${encoded({ alg: 'RS256', typ: 'JWT', kid: KEY_ID, ...header })}.${encoded(said)}.${signature}`;
}

/** A third names a key that there is, a third one that there is not, a third another issuer. All are different. */
export function forgedToken(issuer: BenchIssuer, at: number): string {
  const kind = at % 3;
  if (kind === 0) return forged(issuer, at);
  if (kind === 1) return forged(issuer, at, { header: { kid: `key-of-forger-${at}` } });
  return forged(issuer, at, { claims: { iss: `https://forger-${at}.example.org` } });
}

const LONG = 'x'.repeat(6000);

/** The value of an `Authorization` header that opens nothing, each a different one; of every kind that is read to another point. */
export function hostileCredentials(issuer: BenchIssuer, at: number): string {
  const tokens = [
    () => forged(issuer, at, { header: { alg: 'none' } }),
    () => forged(issuer, at, { header: { alg: 'HS256' } }),
    () => forged(issuer, at, { claims: { exp: 1 } }),
    () => forged(issuer, at, { claims: { roles: { [`${at}`]: [LONG] } } }),
    () => randomBytes(200).toString('base64url'),
    () => `${randomBytes(60).toString('base64url')}.${at}.x`,
    () => `${LONG}${at}`,
    () => forgedToken(issuer, at),
    () => forgedToken(issuer, at + 1),
    () => forgedToken(issuer, at + 2),
  ];
  const token = tokens[at % tokens.length]?.() ?? '';
  return `${at % 7 === 0 ? 'DPoP' : 'Bearer'} ${token}`;
}
