import { describe, expect, it } from 'vitest';

import { type Verification, VerificationCache } from '../../../lib/tokens/verification-cache.js';
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

  it('JV-10: forgets the least recently used verification first, after 5,000', async () => {
    const { provider, verifier } = await startVerifier();
    const issuer = await verifier.provider.named(provider.issuer);
    if (issuer === undefined) throw new Error('The provider is unknown');
    const cache = new VerificationCache();
    const entry: Verification = {
      claims: { iss: 'i', sub: 's', exp: 1000 },
      issuer,
      holds: () => true,
    };
    for (let at = 0; at < 5000; at += 1) cache.set(`token ${at}`, entry);

    cache.get('token 0', 0); // used again
    cache.set('one more', entry);

    expect(cache.get('token 0', 0)).toBe(entry);
    expect(cache.get('token 1', 0)).toBeUndefined();
    expect(cache.get('token 2', 0)).toBe(entry);
    expect(cache.get('one more', 0)).toBe(entry);
  });

  it('JV-10: costs less than 200 µs a remembered verification', async () => {
    const { provider, verifier } = await startVerifier();
    const token = provider.accessToken();
    const rule = { scopes: 'myscope', roles: 'admins' };
    await verifier.verify(token, rule);

    const begun = performance.now();
    for (let at = 0; at < WARM; at += 1) await verifier.verify(token, rule);
    const averageMs = (performance.now() - begun) / WARM;

    expect(averageMs).toBeLessThan(0.2);
  });
});
