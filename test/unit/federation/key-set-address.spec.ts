import { describe, expect, it, onTestFinished } from 'vitest';

import { answerWith, failWith, redirectTo } from '../../support/faults.js';
import { FakeClock } from '../../support/fake-clock.js';
import { startFederation, startPeer } from '../../support/federation.js';
import { TestServer } from '../../support/test-server.js';
import type { MisbehavingProvider } from '../../support/misbehaving-provider.js';

const DEFAULT_PATH = '/auth/v2/.well-known/jwks.json';

/** A server that publishes the keys of a peer under paths of a test's choice, and something else elsewhere. */
async function startFrontOf(
  peer: MisbehavingProvider,
  paths: () => readonly string[],
  statusElsewhere: () => number = () => 404,
) {
  const front = new TestServer((_, response, { path }) => {
    const found = paths().includes(path);
    response.writeHead(found ? 200 : statusElsewhere(), { 'content-type': 'application/json' });
    response.end(JSON.stringify(found ? peer.jwks : { error: 'not_found' }));
  });
  await front.start();
  onTestFinished(() => front.close());
  const asked = (): string[] => front.requests.map(({ path }) => path);
  return { front, iss: front.origin, asked };
}

describe('the address of the key set of a trusted issuer', () => {
  it('JW-5: is below the issuer, and no discovery document is asked for', async () => {
    const clock = new FakeClock();
    const peer = await startPeer(clock, { path: '/instances/a' });
    const federation = await startFederation({ clock, trustedIssuers: [peer.issuer] });

    await federation.verify(peer.accessToken());

    expect(peer.requests.map(({ path }) => path)).toEqual([`/instances/a${DEFAULT_PATH}`]);
  });

  it('JW-4: has one slash where an issuer ends in one', async () => {
    const clock = new FakeClock();
    const peer = await startPeer(clock);
    const { iss, asked } = await startFrontOf(peer, () => [DEFAULT_PATH]);
    const federation = await startFederation({ clock, trustedIssuers: [`${iss}/`] });

    await federation.verify(peer.accessToken({ iss: `${iss}/` }));

    expect(asked()).toEqual([DEFAULT_PATH]);
  });

  it('JW-4: follows the option "broker.jwksPath"', async () => {
    const clock = new FakeClock();
    const peer = await startPeer(clock);
    const { iss, asked } = await startFrontOf(peer, () => ['/keys']);
    const broker = { jwksPath: '/keys' };
    const federation = await startFederation({ clock, broker, trustedIssuers: [iss] });

    await federation.verify(peer.accessToken({ iss }));

    expect(asked()).toEqual(['/keys']);
  });

  it('JW-4: is the "jwksUri" of its entry alone, when it has one', async () => {
    const clock = new FakeClock();
    const peer = await startPeer(clock);
    const { iss, asked } = await startFrontOf(peer, () => [DEFAULT_PATH]);
    const federation = await startFederation({
      clock,
      trustedIssuers: [{ issuer: iss, jwksUri: `${iss}/nothing-here` }],
    });

    expect(await federation.outcome(peer.accessToken({ iss }))).toBe('503 temporarily_unavailable');
    expect(asked()).toEqual(['/nothing-here']);
  });

  it('JW-4: is our own path behind its issuer when there is 404 at the default one', async () => {
    const clock = new FakeClock();
    const peer = await startPeer(clock);
    const own = `/global/api${DEFAULT_PATH}`;
    const { iss, asked } = await startFrontOf(peer, () => [own]);
    const federation = await startFederation({
      clock,
      prefix: '/api',
      globalPrefix: '/global',
      trustedIssuers: [iss],
    });

    await federation.verify(peer.accessToken({ iss }));

    expect(asked()).toEqual([DEFAULT_PATH, own]);
  });

  it('JW-4: is remembered where it answered, and looked for again once it fails there', async () => {
    const clock = new FakeClock();
    const peer = await startPeer(clock);
    const own = `/api${DEFAULT_PATH}`;
    let paths = [own];
    const { front, iss, asked } = await startFrontOf(peer, () => paths);
    const federation = await startFederation({ clock, prefix: '/api', trustedIssuers: [iss] });
    const fetchAnew = async (): Promise<string[]> => {
      front.clearRequests();
      clock.advance(660); // the first token after eleven quiet minutes waits for the new set
      expect(await federation.outcome(peer.accessToken({ iss }))).toBe('accepted');
      return asked();
    };
    await fetchAnew();

    expect(await fetchAnew()).toEqual([own]);
    paths = [DEFAULT_PATH]; // the peer is an application without a prefix now
    expect(await fetchAnew()).toEqual([own, DEFAULT_PATH]);
    expect(await fetchAnew()).toEqual([DEFAULT_PATH]);
  });

  it('JW-4: is looked for everywhere again after any failure where it answered last', async () => {
    const clock = new FakeClock();
    const peer = await startPeer(clock);
    let paths = [`/api${DEFAULT_PATH}`];
    let elsewhere = 404;
    const { iss } = await startFrontOf(
      peer,
      () => paths,
      () => elsewhere,
    );
    const federation = await startFederation({ clock, prefix: '/api', trustedIssuers: [iss] });
    await federation.verify(peer.accessToken({ iss }));

    [paths, elsewhere] = [[DEFAULT_PATH], 502]; // a gateway that knows the old path no more
    await peer.rotateKeys();
    clock.advance(60);
    const first = await federation.outcome(peer.accessToken({ iss }));
    clock.advance(60);
    const second = await federation.outcome(peer.accessToken({ iss }));

    expect([first, second]).toEqual(['503 temporarily_unavailable', 'accepted']);
  });

  it.each<[string, ReturnType<typeof answerWith>]>([
    ['500', failWith(500)],
    ['403', failWith(403)],
    ['a redirect', redirectTo('http://127.0.0.1:9/jwks', 302)],
    ['nonsense', answerWith({ status: 200, body: 'nonsense' })],
  ])('JW-4: does not lead to our own path when the default one answers %s', async (_how, fault) => {
    const clock = new FakeClock();
    const peer = await startPeer(clock);
    peer.behaviour.faults.jwks = fault;
    const trustedIssuers = [peer.issuer];
    const federation = await startFederation({ clock, prefix: '/api', trustedIssuers });

    expect(await federation.outcome(peer.accessToken())).toBe('503 temporarily_unavailable');
    expect(peer.requests.map(({ path }) => path)).toEqual([DEFAULT_PATH]);
  });

  it('JW-4: never comes from a token', async () => {
    const clock = new FakeClock();
    const [peer, attacker] = [await startPeer(clock), await startPeer(clock)];
    const federation = await startFederation({ clock, trustedIssuers: [peer.issuer] });
    const jku = `${attacker.issuer}/jwks`;
    const jwk = attacker.signingKey.publicJwk;

    for (const header of [{ jku }, { jwk }, { x5u: jku }, { jku, jwk }]) {
      const token = attacker.accessToken({ iss: peer.issuer, jku, jwks_uri: jku }, header);
      expect(await federation.outcome(token)).toBe('401 invalid_token');
    }
    expect(attacker.requests).toEqual([]);
  });

  it('JW-4: follows no redirect, not even to another trusted issuer', async () => {
    const clock = new FakeClock();
    const [a, b] = [await startPeer(clock), await startPeer(clock)];
    a.behaviour.faults.jwks = redirectTo(`${b.issuer}${DEFAULT_PATH}`, 302);
    const federation = await startFederation({ clock, trustedIssuers: [a.issuer, b.issuer] });

    expect(await federation.outcome(b.accessToken({ iss: a.issuer }))).toBe(
      '503 temporarily_unavailable',
    );
    expect(b.requests).toEqual([]);
  });
});
