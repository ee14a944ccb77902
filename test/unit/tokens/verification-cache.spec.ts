import { describe, expect, it, vi } from 'vitest';

import { type Verification, VerificationCache } from '../../../lib/tokens/verification-cache.js';
import { memoryGrowth } from '../../support/memory.js';
import { processorMs } from '../../support/processor-time.js';
import { withKid, testKey } from '../../support/signing-keys.js';
import { forgedTokens, startVerifier } from '../../support/verifier.js';

const WARM = 10_000;

describe('remembered verifications', () => {
  it('JV-10: refuses the payload of a remembered token under another signature', async () => {
    const { provider, verifier } = await startVerifier();
    const token = provider.accessToken();
    const [header = '', payload = '', signature = ''] = token.split('.');
    const other = provider.accessToken({ sub: 'somebody-else' }).split('.')[2] ?? '';
    await verifier.verify(token);

    expect(await verifier.outcome(`${header}.${payload}.${other}`)).toBe('401 invalid_token');
    expect(await verifier.outcome(`${header}.${payload}.A${signature.slice(1)}A`)).toBe(
      '401 invalid_token',
    );
    expect(await verifier.outcome(token)).toBe('accepted');
  });

  it('JV-10: refuses another payload under the signature of a remembered token', async () => {
    const { provider, verifier } = await startVerifier();
    const token = provider.accessToken();
    const [header = '', , signature = ''] = token.split('.');
    const other = provider.accessToken({ sub: 'somebody-else' }).split('.')[1] ?? '';
    await verifier.verify(token);

    expect(await verifier.outcome(`${header}.${other}.${signature}`)).toBe('401 invalid_token');
  });

  it('JV-10: looks at the expiry each time, with the tolerance', async () => {
    const { clock, provider, verifier } = await startVerifier();
    const token = provider.accessToken(); // lives 300 s
    await verifier.verify(token);

    clock.advance(304);
    expect(await verifier.outcome(token)).toBe('accepted');
    clock.advance(2);
    expect(await verifier.outcome(token)).toBe('401 invalid_token');
    clock.set(new Date(clock.now().getTime() - 10_000));
    expect(await verifier.outcome(token)).toBe('accepted'); // verified anew, nothing is remembered wrongly
  });

  it('GW-4: verifies a token once for all who bring it at the same time', async () => {
    const { provider, verifier } = await startVerifier();
    const named = vi.spyOn(verifier.provider, 'named');
    const token = provider.accessToken();
    const bad = `${token.slice(0, -4)}AAAA`;

    const all = [token, bad, token, bad].map((one) => verifier.outcome(one));

    const refused = '401 invalid_token';
    expect(await Promise.all(all)).toEqual(['accepted', refused, 'accepted', refused]);
    expect(named).toHaveBeenCalledTimes(2);
    expect(await verifier.outcome(bad)).toBe(refused); // and again for who comes later
    expect(named).toHaveBeenCalledTimes(3);
  });

  it('JV-10: lets nobody in by a token that has ended, while another one may still use it', async () => {
    const { clock, provider, verifier } = await startVerifier();
    const token = provider.accessToken(); // lives 300 s
    clock.advance(400);

    const lenient = verifier.tokens.verifyUnproved(token, { endedForSec: 3600 });
    const strict = verifier.outcome(token);

    expect((await lenient).claims.sub).toBe('sub-0001-alice');
    expect(await strict).toBe('401 invalid_token');
  });

  it('JV-10: forgets what a key verified when that key goes', async () => {
    const { provider, verifier } = await startVerifier();
    const [rsa, ec] = provider.keys;
    if (rsa === undefined || ec === undefined) throw new Error('no keys');
    const [gone, kept] = [provider.accessToken({}, {}, rsa), provider.accessToken({}, {}, ec)];
    await verifier.verify(gone);
    await verifier.verify(kept);
    provider.withdrawKey(rsa.kid);

    await verifier.outcome(forgedTokens(provider, 1)[0] ?? ''); // makes it read the set again

    expect(await verifier.outcome(gone)).toBe('401 invalid_token');
    expect(await verifier.outcome(kept)).toBe('accepted');
  });

  it('JV-10: forgets what a key verified when another key takes its id', async () => {
    const { provider, verifier } = await startVerifier({ provider: { algorithms: ['ES256'] } });
    const { kid } = provider.signingKey;
    const token = provider.accessToken();
    await verifier.verify(token);
    const successor = withKid(await testKey('ES256', 'successor'), kid);
    provider.behaviour.jwks = () => ({ keys: [successor.publicJwk] });

    await verifier.outcome(forgedTokens(provider, 1)[0] ?? '');

    expect(await verifier.outcome(token)).toBe('401 invalid_token');
    expect(await verifier.outcome(provider.accessToken({}, {}, successor))).toBe('accepted');
  });

  it('JV-10: holds a remembered token against the rule of each request', async () => {
    const { provider, verifier } = await startVerifier();
    const token = provider.accessToken();
    await verifier.verify(token, { scopes: 'myscope' });

    expect(await verifier.outcome(token, { scopes: 'admin' })).toBe('403 insufficient_scope');
    expect(await verifier.outcome(token, { roles: 'superuser' })).toBe('403 insufficient_scope');
    expect(await verifier.outcome(token)).toBe('accepted');
  });

  it('JV-10: does not remember a refusal for ever', async () => {
    const { clock, provider, verifier } = await startVerifier();
    const token = provider.accessToken({ nbf: Math.floor(clock.now().getTime() / 1000) + 60 });
    await verifier.outcome(token);

    clock.advance(60);

    expect(await verifier.outcome(token)).toBe('accepted');
  });

  it('JV-10: hands out claims that no handler can change for the next one', async () => {
    const { provider, verifier } = await startVerifier();
    const token = provider.accessToken({ a: { b: [{ c: 1 }] } });
    const claims = await verifier.verify(token);
    const before = structuredClone(claims);

    for (const target of [claims, claims['realm_access'], claims['a'], claims['groups']]) {
      if (typeof target !== 'object' || target === null) throw new Error('not an object');
      expect(Reflect.set(target, 'sub', 'admin')).toBe(false);
      expect(Reflect.set(target, '0', 'admin')).toBe(false);
      expect(Reflect.deleteProperty(target, Object.keys(target)[0] ?? '')).toBe(false);
      expect(Reflect.setPrototypeOf(target, {})).toBe(false);
    }
    expect(await verifier.verify(token)).toEqual(before);
    expect(Object.isFrozen(claims)).toBe(true);
  });

  it('JV-10: forgets the least recently used verifications first, after 10,000', async () => {
    const { provider, verifier } = await startVerifier();
    const issuer = await verifier.provider.named(provider.issuer);
    if (issuer === undefined) throw new Error('The provider is unknown');
    const cache = new VerificationCache();
    const entry: Verification = {
      claims: { iss: 'i', sub: 's', exp: 1000 },
      issuer,
      holds: () => true,
    };
    for (let at = 0; at < 10_000; at += 1) cache.set(`token ${at}`, entry);

    cache.get('token 0', 0); // used again
    cache.set('one more', entry);

    // An eighth of them goes at once.
    const gone = [1, 2, 1251].map((at) => cache.get(`token ${at}`, 0));
    expect(gone).toEqual([undefined, undefined, undefined]);
    const kept = ['token 0', 'token 1252', 'token 9999', 'one more'].map((key) =>
      cache.get(key, 0),
    );
    expect(kept).toEqual([entry, entry, entry, entry]);
    for (let at = 0; at < 1249; at += 1) cache.set(`new ${at}`, entry);
    expect(cache.get('token 1252', 0)).toBe(entry);
  });

  it('IN-2: keeps opaque tokens apart that end alike', async () => {
    const { provider, verifier } = await startVerifier();
    const issuer = await verifier.provider.named(provider.issuer);
    if (issuer === undefined) throw new Error('The provider is unknown');
    const cache = new VerificationCache();
    const keys = Array.from(
      { length: 20 },
      (_, at) => `${at}-${'of-the-same-provider'.repeat(12)}`,
    );
    for (const key of keys) {
      const claims = { iss: 'i', sub: key, exp: 1000 };
      cache.set(key, { claims, issuer, holds: () => true });
    }

    expect(keys.map((key) => cache.get(key, 0)?.claims.sub)).toEqual(keys);
  });

  // What 6,500 characters of it take in memory, frozen, as measured on Node 20.
  it.each([
    ['empty objects', '{}', 139_000],
    ['empty lists', '[]', 87_000],
    ['lists in lists', '[[]]', 125_000],
    ['small objects', '{"a":0}', 33_000],
    ['objects in objects', '{"a":{}}', 70_000],
    ['objects that are all different', '{"k%":0}', 95_000],
    ['fractions', '0.5', 39_000],
    ['names', '"role-%"', 5000],
  ])('DS-2: are bounded by their size too: of 9 kB full of %s', async (_, item, bytes) => {
    const { provider, verifier } = await startVerifier();
    const issuer = await verifier.provider.named(provider.issuer);
    if (issuer === undefined) throw new Error('The provider is unknown');
    const cache = new VerificationCache();
    const count = Math.floor(6500 / (item.length + 1));
    const items = Array.from({ length: count }, (__, at) => item.replace('%', `${at}`));
    const claims = JSON.parse(`{"iss":"i","sub":"s","exp":1000,"x":[${items.join()}]}`);
    const verification = { claims, issuer, holds: () => true };
    const keys = Array.from({ length: 800 }, (__, at) => `token ${at}`);

    for (const key of keys) cache.set(key, verification);
    for (const key of keys.slice(-10)) cache.set(key, verification); // each counts once

    const kept = keys.filter((key) => cache.get(key, 0) !== undefined);
    expect(kept.length * bytes).toBeLessThan(64 * 1024 * 1024);
    expect(kept.length).toBeGreaterThan(100);
    expect(kept).toEqual(keys.slice(-kept.length));
    for (const key of kept) expect(cache.get(key, 1000)).toBeUndefined(); // expired
    for (const key of kept) cache.set(key, verification);
    expect(kept.every((key) => cache.get(key, 0) !== undefined)).toBe(true);
  });

  it.each([
    ['texts of their claims', 100_000, 20],
    ['keys', 20, 100_000],
  ])('DS-2: are bounded by the size of the %s too', async (_, ofClaim, ofKey) => {
    const { provider, verifier } = await startVerifier();
    const issuer = await verifier.provider.named(provider.issuer);
    if (issuer === undefined) throw new Error('The provider is unknown');
    const cache = new VerificationCache();
    const claims = { iss: 'i', sub: 's', exp: 1000, x: 'x'.repeat(ofClaim) };
    const keys = Array.from({ length: 800 }, (__, at) => `${at}`.padStart(ofKey, 'x'));

    for (const key of keys) cache.set(key, { claims, issuer, holds: () => true });

    const kept = keys.filter((key) => cache.get(key, 0) !== undefined);
    expect(kept.length).toBeGreaterThan(200);
    expect(kept.length).toBeLessThan(300);
  });

  it('JV-10: are found by nothing but their key, whatever characters it has', async () => {
    const { provider, verifier } = await startVerifier();
    const issuer = await verifier.provider.named(provider.issuer);
    if (issuer === undefined) throw new Error('The provider is unknown');
    const cache = new VerificationCache();
    const claims = { iss: 'i', sub: 's', exp: 1000 };
    const end = 'e'.repeat(40);

    cache.set(`\u0141${end}`, { claims, issuer, holds: () => true });

    expect(cache.get(`A${end}`, 0)).toBeUndefined(); // which is what Latin-1 makes of it
    expect(cache.get(`\u0141${end}`, 0)).toBeDefined();
  });

  it('DS-2: of 9 kB full of tiny objects fill no memory', async () => {
    const { provider, verifier } = await startVerifier();
    const issuer = await verifier.provider.named(provider.issuer);
    if (issuer === undefined) throw new Error('The provider is unknown');
    const cache = new VerificationCache();
    const text = `{"iss":"i","sub":"s","exp":1000,"x":[${'{},'.repeat(2166)}{}]}`;

    const { heap } = await memoryGrowth(() => {
      for (let at = 0; at < 1000; at += 1) {
        cache.set(`token ${at}`, { claims: JSON.parse(text), issuer, holds: () => true });
      }
    });

    expect(heap).toBeLessThan(64 * 1024 * 1024);
    expect(cache.get('token 999', 0)).toBeDefined();
  });

  it('JV-10: remembers 5,000 tokens of a user with a hundred roles', async () => {
    const { provider, verifier } = await startVerifier();
    const issuer = await verifier.provider.named(provider.issuer);
    if (issuer === undefined) throw new Error('The provider is unknown');
    const cache = new VerificationCache();
    const roles = Array.from({ length: 100 }, (_, at) => `application-role-${at}`);

    for (let at = 0; at < 5000; at += 1) {
      const claims = { iss: 'i', sub: `s${at}`, exp: 1000, realm_access: { roles }, roles: [] };
      cache.set(`token ${at}`, { claims, issuer, holds: () => true });
    }

    expect(cache.get('token 0', 0)).toBeDefined();
  });

  it('JV-10: costs less than 200 µs of the processor a remembered verification', async () => {
    const { provider, verifier } = await startVerifier();
    const token = provider.accessToken();
    const rule = { scopes: 'myscope', roles: 'admins' };
    await verifier.verify(token, rule);

    const tookMs = await processorMs(async () => {
      for (let at = 0; at < WARM; at += 1) await verifier.verify(token, rule);
    });

    expect(tookMs / WARM).toBeLessThan(0.2);
  });
});
