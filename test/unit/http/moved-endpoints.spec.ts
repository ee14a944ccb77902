import { describe, expect, it } from 'vitest';

import { answerWith, failWith, html, redirectTo, type Fault } from '../../support/faults.js';
import type { MisbehavingProvider } from '../../support/misbehaving-provider.js';
import { sendAnswer } from '../../support/provider-answer.js';
import { startVerifier, type TestVerifier } from '../../support/verifier.js';

const HOUR_SEC = 3600;

/** Publishes another end-session endpoint, by which metadata that was read again can be told. */
function publishEndSession(provider: MisbehavingProvider, path: string): void {
  const end_session_endpoint = `${provider.issuer}${path}`;
  provider.behaviour.metadata = (document) => ({ ...document, end_session_endpoint });
}

async function endSessionPath(verifier: TestVerifier): Promise<string | undefined> {
  const url = await verifier.provider.endSessionUrl({});
  return url === undefined ? undefined : new URL(url).pathname;
}

describe('metadata that changes', () => {
  it('JW-5: is read again hourly, in the background', async () => {
    const { clock, provider, verifier } = await startVerifier();
    publishEndSession(provider, '/old');
    expect(await endSessionPath(verifier)).toBe('/old');
    publishEndSession(provider, '/new');

    clock.advance(HOUR_SEC - 1);
    expect(await endSessionPath(verifier)).toBe('/old');
    expect(provider.requestsTo('discovery')).toHaveLength(1);
    clock.advance(1);
    await endSessionPath(verifier);
    await verifier.settled();
    expect(await endSessionPath(verifier)).toBe('/new');
    expect(provider.requestsTo('discovery')).toHaveLength(2);
  });

  it('JW-5: is read again when an endpoint fails', async () => {
    const { provider, verifier } = await startVerifier();
    publishEndSession(provider, '/old');
    expect(await endSessionPath(verifier)).toBe('/old');
    publishEndSession(provider, '/new');
    provider.behaviour.faults.token = failWith(503);

    await expect(verifier.provider.refresh('a-refresh-token', undefined)).rejects.toThrow();

    await endSessionPath(verifier);
    await verifier.settled();
    expect(await endSessionPath(verifier)).toBe('/new');
  });

  it('JW-5: is not read again for every failure of an endpoint', async () => {
    const { provider, verifier } = await startVerifier();
    provider.behaviour.faults.token = failWith(503);

    for (let at = 0; at < 50; at += 1) {
      await verifier.provider.refresh('a-refresh-token', undefined).catch(() => undefined);
    }

    expect(provider.requestsTo('discovery').length).toBeLessThanOrEqual(3);
  });

  it('JW-5: is not read again when an endpoint merely refuses', async () => {
    const { provider, verifier } = await startVerifier();

    for (let at = 0; at < 10; at += 1) {
      await expect(verifier.provider.refresh('a-refresh-token', undefined)).rejects.toThrow();
    }

    expect(provider.requestsTo('discovery')).toHaveLength(1);
  });

  it('JW-5: leads to the new place of the key set after the old one fails', async () => {
    const { clock, provider, verifier } = await startVerifier();
    await verifier.verify(provider.accessToken());
    const jwks_uri = `${provider.issuer}/auth/v2/.well-known/jwks.json`;
    provider.behaviour.metadata = (document) => ({ ...document, jwks_uri });
    provider.behaviour.faults.jwks = gone('/jwks');
    await provider.rotateKeys();

    const outcomes: string[] = [];
    for (let waited = 0; waited <= 60; waited += 10) {
      outcomes.push(await verifier.outcome(provider.accessToken()));
      await verifier.settled();
      clock.advance(10);
    }

    expect(outcomes[0]).toBe('503 temporarily_unavailable');
    expect(outcomes.at(-1)).toBe('accepted');
  });

  it('JW-5: leads to the new place of the key set within an hour, without a failure', async () => {
    const { clock, provider, verifier } = await startVerifier();
    await verifier.verify(provider.accessToken());
    const jwks_uri = `${provider.issuer}/auth/v2/.well-known/jwks.json`;
    provider.behaviour.metadata = (document) => ({ ...document, jwks_uri });

    for (let minute = 0; minute <= 70; minute += 1) {
      clock.advance(60);
      await verifier.verify(provider.accessToken());
      await verifier.settled();
    }

    expect(provider.requests.at(-1)?.path).toBe('/auth/v2/.well-known/jwks.json');
  });
});

/** Answers 404 at one of the places of the key set. */
function gone(path: string): Fault {
  return async ({ request, response, usual }) => {
    const answer = request.path === path ? { status: 404 } : await usual();
    sendAnswer(response, answer);
  };
}

describe('a bad re-read', () => {
  it.each<[string, Fault]>([
    ['fails', failWith(500)],
    ['is a web page', html()],
    ['is a redirect', redirectTo('http://127.0.0.1:9/')],
    ['is a list', answerWith({ status: 200, body: [] })],
    ['has no issuer', answerWith({ status: 200, body: {} })],
    ['has another issuer', answerWith({ status: 200, body: { issuer: 'https://evil.example' } })],
  ])('JW-5: leaves the metadata before in use when it %s', async (_how, fault) => {
    const { clock, provider, verifier } = await startVerifier();
    publishEndSession(provider, '/old');
    await verifier.verify(provider.accessToken());
    provider.behaviour.faults.discovery = fault;
    const failures = verifier.record('provider-failed');

    clock.advance(HOUR_SEC + 1);
    await endSessionPath(verifier);
    await verifier.settled();

    expect(failures.length).toBeGreaterThan(0);
    expect(await verifier.outcome(provider.accessToken())).toBe('accepted');
    expect(await endSessionPath(verifier)).toBe('/old');
  });

  it('JW-5: refuses tokens of an issuer that the provider calls itself later', async () => {
    const { clock, provider, verifier } = await startVerifier();
    await verifier.verify(provider.accessToken());
    const renamed = 'https://renamed.example.org';
    provider.behaviour.metadata = (document) => ({ ...document, issuer: renamed });
    const failures = verifier.record('provider-failed');

    clock.advance(HOUR_SEC + 1);
    await verifier.outcome(provider.accessToken());
    await verifier.settled();

    expect(failures.length).toBeGreaterThan(0);
    expect(await verifier.outcome(provider.accessToken({ iss: renamed }))).toBe(
      '401 invalid_token',
    );
    expect(await verifier.outcome(provider.accessToken())).toBe('accepted');
  });

  it('JW-5: does not use metadata whose jwks_uri turns to http outside loopback', async () => {
    const { clock, provider, verifier } = await startVerifier();
    await verifier.verify(provider.accessToken());
    const jwks_uri = 'http://attacker.example/jwks';
    provider.behaviour.metadata = (document) => ({ ...document, jwks_uri });
    const failures = verifier.record('provider-failed');

    clock.advance(HOUR_SEC + 1);
    await verifier.verify(provider.accessToken());
    await verifier.settled();
    clock.advance(600);

    expect(failures.length).toBeGreaterThan(0);
    expect(await verifier.outcome(provider.accessToken())).toBe('accepted');
  });
});
