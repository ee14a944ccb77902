import { describe, expect, it, onTestFinished } from 'vitest';

import { redirectTo } from '../../support/faults.js';
import { TestServer } from '../../support/test-server.js';
import { buildVerifier, startVerifier } from '../../support/verifier.js';

/** A server that an attacker would like us to ask; it answers with any key set. */
async function startInnerServer(keys: () => unknown = () => ({ keys: [] })): Promise<TestServer> {
  const server = new TestServer((_incoming, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify(keys()));
  });
  await server.start();
  onTestFinished(() => server.close());
  return server;
}

const targets: readonly [kind: string, url: string][] = [
  ['http outside loopback', 'http://idp.example.org/jwks'],
  ['http to the metadata service of a cloud', 'http://169.254.169.254/latest/meta-data'],
  ['a name that begins with localhost', 'http://localhost.example.org/jwks'],
  ['a name that resolves to loopback', 'http://127.0.0.1.nip.io/jwks'],
  ['another address of the loopback net', 'http://127.0.0.2/jwks'],
  ['the unspecified address', 'http://0.0.0.0/jwks'],
  ['a private address', 'http://10.0.0.1/jwks'],
  ['a file', 'file:///etc/passwd'],
  ['data', 'data:application/json,{"keys":[]}'],
  ['ftp', 'ftp://127.0.0.1/jwks'],
  ['a script', 'javascript:alert(1)'],
  ['a blob', 'blob:https://idp.example.org/x'],
  ['credentials', 'https://user:password@idp.example.org/jwks'],
  ['a user name', 'http://user@127.0.0.1/jwks'],
  ['a relative address', '/jwks'],
  ['no address', ''],
];

describe('addresses that metadata names', () => {
  it.each(targets)('JW-4: takes no keys from %s', async (_kind, url) => {
    const { provider, verifier } = await startVerifier({ provider: { algorithms: ['EdDSA'] } });
    provider.behaviour.metadata = (document) => ({ ...document, jwks_uri: url });

    expect(await verifier.outcome(provider.accessToken())).toBe('502 server_error');
    expect(provider.requests.map(({ path }) => path)).toEqual([
      '/.well-known/openid-configuration',
    ]);
  });

  it.each(targets)('JW-4: calls nobody at %s, however it came to that', async (_kind, url) => {
    const calls: string[] = [];
    const fetch = async (called: string): Promise<Response> => {
      calls.push(called);
      return Response.json({ keys: [] });
    };
    const { verifier } = await startVerifier({ options: { fetch } });

    await expect(verifier.http.request(url, {})).rejects.toMatchObject({ error: 'server_error' });

    expect(calls).toEqual([]);
  });

  it('JW-4: takes no keys where the jwks_uri is no text or absent', async () => {
    for (const value of [1, ['http://127.0.0.1/jwks'], null, {}, undefined]) {
      const { provider, verifier } = await startVerifier({ provider: { algorithms: ['EdDSA'] } });
      provider.behaviour.metadata = (document) => ({ ...document, jwks_uri: value });

      expect(await verifier.outcome(provider.accessToken())).toBe('502 server_error');
    }
  });

  it('JW-4: allows http outside loopback only by the option "allowInsecureHttp"', async () => {
    const { verifier: strict } = await startVerifier();
    const calls: string[] = [];
    const fetch = async (called: string): Promise<Response> => {
      calls.push(called);
      return Response.json({});
    };
    const { verifier: loose } = await startVerifier({
      options: { allowInsecureHttp: true, fetch },
    });

    await expect(strict.http.request('http://idp.test/x', {})).rejects.toThrow();
    await loose.http.request('http://idp.test/x', {});
    await expect(loose.http.request('http://user@idp.test/x', {})).rejects.toThrow();
    await expect(loose.http.request('file:///etc/passwd', {})).rejects.toThrow();

    expect(calls).toEqual(['http://idp.test/x']);
  });
});

describe('redirects', () => {
  it.each([301, 302, 303, 307, 308])(
    'JW-4: follows no %d of discovery or key set',
    async (status) => {
      const inner = await startInnerServer();
      for (const endpoint of ['discovery', 'jwks'] as const) {
        const { provider, verifier } = await startVerifier({ provider: { algorithms: ['EdDSA'] } });
        provider.behaviour.faults[endpoint] = redirectTo(`${inner.origin}/jwks`, status);

        expect(await verifier.outcome(provider.accessToken())).toBe('502 server_error');
      }

      expect(inner.requests).toEqual([]);
    },
  );

  it('JW-4: follows no redirect to the metadata service of a cloud', async () => {
    const { provider, verifier } = await startVerifier();
    provider.behaviour.faults.jwks = redirectTo('http://169.254.169.254/latest/meta-data', 302);

    const begun = performance.now();
    const outcome = await verifier.outcome(provider.accessToken());

    expect(outcome).toBe('502 server_error');
    expect(performance.now() - begun).toBeLessThan(1000);
  });

  it('JW-4: asks every fetch, the option too, not to follow redirects, and refuses what it followed', async () => {
    const modes: unknown[] = [];
    const fetch = async (url: string, init: RequestInit): Promise<Response> => {
      modes.push(init.redirect);
      return globalThis.fetch(url, { ...init, redirect: 'follow' }); // a careless host's own
    };
    const { provider, verifier } = await startVerifier({ options: { fetch } });
    const attacker = await startInnerServer(() => provider.jwks);
    provider.behaviour.faults.jwks = redirectTo(`${attacker.origin}/jwks`, 302);

    const outcome = await verifier.outcome(provider.accessToken());

    expect(outcome).toBe('502 server_error');
    expect(new Set(modes)).toEqual(new Set(['manual']));
  });
});

describe('addresses that a token names', () => {
  it('JW-4: asks the configured issuer alone, whatever the token says', async () => {
    const { provider, verifier } = await startVerifier();
    const attacker = await startInnerServer(() => provider.jwks);
    const { origin } = attacker;
    const token = provider.accessToken(
      { jwks_uri: origin, iss: origin, _claim_sources: { src: { endpoint: origin } } },
      { jku: origin, x5u: origin, iss: origin },
    );

    expect(await verifier.outcome(token)).toBe('401 invalid_token');
    expect(await verifier.outcome(provider.accessToken({}, { jku: origin, kid: 'x' }))).toBe(
      '401 invalid_token',
    );
    expect(attacker.requests).toEqual([]);
  });

  it('JW-4: sends no credentials to discovery and key set', async () => {
    const { provider } = await startVerifier();
    const verifier = buildVerifier(provider, { options: { clientSecret: 'x'.repeat(40) } });

    await verifier.verify(provider.accessToken());

    expect(provider.requests).toHaveLength(2);
    for (const { headers, rawBody, query } of provider.requests) {
      expect(headers).not.toHaveProperty('authorization');
      expect(headers).not.toHaveProperty('cookie');
      expect([rawBody, query]).toEqual(['', {}]);
    }
  });
});
