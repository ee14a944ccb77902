import { createHmac } from 'node:crypto';

import { exportJWK } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';

import { type ProofDemand, checkProof } from '../../../lib/dpop/dpop-proof.js';
import { OAuthError } from '../../../lib/errors/oauth.error.js';
import { reasonOf } from '../../../lib/errors/describe-error.js';
import { PROOF_ALGORITHMS } from '../../../lib/options/possession-options.js';
import { ProvingClient, hashOf } from '../../support/dpop.js';
import { FakeClock } from '../../support/fake-clock.js';
import { nestedJson } from '../../support/nested-json.js';

const TOKEN = 'the-access-token';
const URI = 'https://api.example.org/orders';
const clock = new FakeClock(new Date('2026-05-04T10:00:00Z'));
const nowSec = clock.now().getTime() / 1000;

let client: ProvingClient;
let other: ProvingClient;

const demand = (changed: Partial<ProofDemand> = {}): ProofDemand => ({
  method: 'GET',
  uri: URI,
  accessToken: TOKEN,
  key: client.jkt,
  status: 401,
  ...changed,
});

interface Changed {
  readonly header?: Record<string, unknown>;
  readonly claims?: Record<string, unknown>;
  readonly url?: string;
}

const proofWith = ({ header = {}, claims = {}, url = URI }: Changed = {}, by = client) =>
  by.proof({ method: 'GET', url, token: TOKEN, header, claims: { iat: nowSec, ...claims } });

/** `held`, or status, code and the name of the reason. */
async function outcome(proof: string, changed?: Partial<ProofDemand>): Promise<string> {
  try {
    await checkProof(proof, demand(changed), { clock, maxBytes: 12_288 });
    return 'held';
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    return `${error.getStatus()} ${error.error} ${reasonOf(error)?.name}`;
  }
}

const encoded = (json: unknown): string => Buffer.from(JSON.stringify(json)).toString('base64url');

beforeAll(async () => {
  [client, other] = await Promise.all([ProvingClient.create(), ProvingClient.create()]);
});

describe('a proof of possession', () => {
  it('DP-2: that fits holds, and says what it is of', async () => {
    const proof = await proofWith({ claims: { jti: 'one', nonce: 'n' } });

    const held = await checkProof(proof, demand(), { clock, maxBytes: 12_288 });

    expect(held).toEqual({ key: client.jkt, jti: 'one', iat: nowSec, nonce: 'n' });
  });

  it.each(PROOF_ALGORITHMS)('DP-2: may be signed with %s', async (alg) => {
    const one = await ProvingClient.create(alg);

    expect(await outcome(await proofWith({}, one), { key: one.jkt })).toBe('held');
  });

  it.each<[string, Changed]>([
    ['an address with a query and a fragment', { claims: { htu: `${URI}?a=b#c` } }],
    ['an address in capitals', { claims: { htu: 'HTTPS://API.EXAMPLE.ORG/orders' } }],
    ['an address with its port', { claims: { htu: 'https://api.example.org:443/orders' } }],
    [
      'an address with escapes that none needs',
      { claims: { htu: `https://api.example.org/%6frders` } },
    ],
    ['a type in capitals', { header: { typ: 'DPoP+JWT' } }],
    ['a time almost a minute ago', { claims: { iat: nowSec - 60 } }],
    ['a time almost a minute ahead', { claims: { iat: nowSec + 60 } }],
    ['a time with a fraction', { claims: { iat: nowSec + 0.5 } }],
    ['a jti of 256 characters', { claims: { jti: 'x'.repeat(256) } }],
    ['more claims than it needs', { claims: { other: { a: [1] } } }],
    ['a key id', { header: { kid: 'mine' } }],
  ])('DP-2: holds with %s', async (_, changed) => {
    expect(await outcome(await proofWith(changed))).toBe('held');
  });

  it.each<[string, Changed, string]>([
    ['another type', { header: { typ: 'JWT' } }, 'proof: typ'],
    ['the type of an access token', { header: { typ: 'at+jwt' } }, 'proof: typ'],
    ['no type', { header: { typ: undefined } }, 'proof: typ'],
    ['no key', { header: { jwk: undefined } }, 'proof: jwk is missing'],
    ['a key that is a text', { header: { jwk: 'key' } }, 'proof: jwk is missing'],
    ['a list of keys', { header: { jwk: [{}] } }, 'proof: jwk is missing'],
    ['a key of no kind', { header: { jwk: {} } }, 'proof: jwk is of a kind that is not taken'],
    [
      'a symmetric key',
      { header: { jwk: { kty: 'oct' } } },
      'proof: jwk is of a kind that is not taken',
    ],
    [
      'a secret in the key',
      { header: { jwk: { kty: 'oct', k: 'AA' } } },
      'proof: jwk holds a private key',
    ],
    ['half a key', { header: { jwk: { kty: 'EC', crv: 'P-256', x: 'AA' } } }, 'proof: jwk'],
    ['a compressed payload', { header: { zip: 'DEF' } }, 'proof: header extension'],
    ['another method', { claims: { htm: 'POST' } }, 'proof: htm'],
    ['the method in small letters', { claims: { htm: 'get' } }, 'proof: htm'],
    ['no method', { claims: { htm: undefined } }, 'proof: htm'],
    ['a list of methods', { claims: { htm: ['GET'] } }, 'proof: htm'],
    ['another path', { claims: { htu: `${URI}/1` } }, 'proof: htu'],
    ['a slash at the end', { claims: { htu: `${URI}/` } }, 'proof: htu'],
    ['the path in capitals', { claims: { htu: 'https://api.example.org/ORDERS' } }, 'proof: htu'],
    ['another host', { claims: { htu: 'https://evil.example/orders' } }, 'proof: htu'],
    ['another port', { claims: { htu: 'https://api.example.org:8443/orders' } }, 'proof: htu'],
    ['another scheme', { claims: { htu: 'http://api.example.org/orders' } }, 'proof: htu'],
    [
      'a name before the host',
      { claims: { htu: 'https://a@api.example.org/orders' } },
      'proof: htu',
    ],
    ['a path alone', { claims: { htu: '/orders' } }, 'proof: htu'],
    ['white space about the address', { claims: { htu: ` ${URI}` } }, 'proof: htu'],
    [
      'a line break in the address',
      { claims: { htu: 'https://api.example.org/ord\ners' } },
      'proof: htu',
    ],
    [
      'an escape that is needed, left out',
      { claims: { htu: 'https://api.example.org/orders%2F' } },
      'proof: htu',
    ],
    ['no address', { claims: { htu: undefined } }, 'proof: htu'],
    ['an address that is no text', { claims: { htu: { href: URI } } }, 'proof: htu'],
    ['a list of addresses', { claims: { htu: [URI] } }, 'proof: htu'],
    ['no time', { claims: { iat: undefined } }, 'proof: iat'],
    ['a time that is a text', { claims: { iat: String(nowSec) } }, 'proof: iat'],
    ['the hash of another token', { claims: { ath: hashOf('another') } }, 'proof: ath'],
    ['no hash of the token', { claims: { ath: undefined } }, 'proof: ath'],
    ['the token itself for its hash', { claims: { ath: TOKEN } }, 'proof: ath'],
    ['no jti', { claims: { jti: undefined } }, 'proof: jti'],
    ['an empty jti', { claims: { jti: '' } }, 'proof: jti'],
    ['a jti that is a number', { claims: { jti: 7 } }, 'proof: jti'],
    ['a jti of 257 characters', { claims: { jti: 'x'.repeat(257) } }, 'proof: jti'],
    ['an end that has come', { claims: { exp: nowSec - 61 } }, 'proof: signature'],
    ['a beginning to come', { claims: { nbf: nowSec + 61 } }, 'proof: signature'],
  ])('DP-2: with %s does not hold', async (_, changed, reason) => {
    expect(await outcome(await proofWith(changed))).toBe(`401 invalid_dpop_proof ${reason}`);
  });

  it.each([-61, 61, -3600, 3600, 1e12])('DP-3: of %s s from now does not hold', async (offset) => {
    const proof = await proofWith({ claims: { iat: nowSec + offset } });

    expect(await outcome(proof)).toBe('401 invalid_dpop_proof proof: iat');
  });

  it.each(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'])(
    'DP-2: with the private member %s of a key does not hold',
    async (member) => {
      const proof = await proofWith({ header: { jwk: { ...client.jwk, [member]: 'AA' } } });

      expect(await outcome(proof)).toBe('401 invalid_dpop_proof proof: jwk holds a private key');
    },
  );

  it('DP-2: with its whole private key does not hold', async () => {
    const jwk = await exportJWK(client.privateKey);

    expect(await outcome(await proofWith({ header: { jwk } }))).toMatch(/private key$/);
  });

  it('DP-2: signed with another key than it shows does not hold', async () => {
    const proof = await proofWith({ header: { jwk: client.jwk } }, other);

    expect(await outcome(proof)).toBe('401 invalid_dpop_proof proof: signature');
  });

  it.each(['none', 'HS256', 'HS512', 'ES256K', 'RSA-OAEP', 'dir', ''])(
    'DP-2: of the algorithm "%s" does not hold',
    async (alg) => {
      const [, payload] = (await proofWith()).split('.');
      const head = encoded({ alg, typ: 'dpop+jwt', jwk: client.jwk });
      const mac = createHmac('sha256', JSON.stringify(client.jwk)).update(`${head}.${payload}`);

      expect(await outcome(`${head}.${payload}.${mac.digest('base64url')}`)).toBe(
        '401 invalid_dpop_proof proof: alg',
      );
    },
  );

  it.each<[string, (proof: string) => string]>([
    ['no text', () => ''],
    ['no JWS', () => 'proof'],
    ['a JWS of two parts', (proof) => proof.split('.').slice(0, 2).join('.')],
    ['an empty signature', (proof) => proof.replace(/[^.]*$/, '')],
    ['two of them', (proof) => `${proof}, ${proof}`],
    ['white space behind it', (proof) => `${proof} `],
    ['padding', (proof) => `${proof}=`],
    ['a header that is no JSON', (proof) => proof.replace(/^[^.]*/, 'AAAA')],
    ['a payload that is a list', (proof) => proof.replace(/\.[^.]*\./, `.${encoded([])}.`)],
    [
      'a payload that nests',
      (proof) =>
        proof.replace(/\.[^.]*\./, `.${Buffer.from(nestedJson({})).toString('base64url')}.`),
    ],
    ['another signature', (proof) => proof.replace(/[^.]*$/, 'A'.repeat(86))],
    ['13 kB', (proof) => proof.replace(/\.[^.]*\./, `.${'A'.repeat(13_000)}.`)],
  ])('DP-2: that is malformed (%s) does not hold', async (_, change) => {
    expect(await outcome(change(await proofWith()))).toMatch(/^401 invalid_dpop_proof proof: /);
  });

  it('DP-2: that is no JWS is no more than that to the log', async () => {
    expect(await outcome('proof')).toBe('401 invalid_dpop_proof proof: no compact JWS');
  });

  it('DS-3: of a key that only takes time is not calculated with', async () => {
    const rsa = await ProvingClient.create('RS256');
    const large = { ...rsa.jwk, n: 'A'.repeat(684) };
    const slow = { ...rsa.jwk, e: 'AQABAQA' };

    for (const jwk of [large, slow, { ...rsa.jwk, n: 7 }, { kty: 'RSA' }]) {
      const proof = await proofWith({ header: { jwk } }, rsa);
      expect(await outcome(proof, { key: undefined })).toMatch(/proof: jwk is too large$/);
    }
    const largest = { ...rsa.jwk, n: 'A'.repeat(683), e: 'AQABAQ' };
    const proof = await proofWith({ header: { jwk: largest } }, rsa);
    expect(await outcome(proof, { key: undefined })).toMatch(/proof: signature$/);
  });

  it('DS-3: longer than a token may be is not read', async () => {
    const proof = await proofWith();
    const read = (maxBytes: number) => checkProof(proof, demand(), { clock, maxBytes });

    await expect(read(proof.length)).resolves.toMatchObject({ key: client.jkt });
    await expect(read(proof.length - 1)).rejects.toMatchObject({
      cause: { name: 'proof: too long' },
    });
  });

  it('DP-1: of another key than that of the token is no matter of the proof', async () => {
    expect(await outcome(await proofWith({}, other))).toBe(
      '401 invalid_token the proof is of another key than the token',
    );
    expect(await outcome(await proofWith({}, other), { key: undefined })).toBe('held');
  });

  it('DP-4: that does not hold is 400 at the token route', async () => {
    expect(await outcome('', { status: 400 })).toMatch(/^400 invalid_dpop_proof /);
  });
});
