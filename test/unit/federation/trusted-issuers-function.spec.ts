import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';

import { describe, expect, it } from 'vitest';

import type { TrustedIssuer } from '../../../lib/options/broker-options.js';
import type { StoredPeerKeys } from '../../../lib/contract/broker-store.js';
import { MemoryBrokerStore } from '../../../lib/store/memory-broker.store.js';
import { startFederation, startPeer } from '../../support/federation.js';
import { capturedLogs } from '../../support/output-capture.js';
import { SteppedClock } from '../../support/stepped-clock.js';

type List = readonly (string | TrustedIssuer)[];

/** An instance whose list a test can change while it runs, and two peers that are in it. */
async function startWithFunction(store = new MemoryBrokerStore()) {
  const clock = new SteppedClock();
  const [a, b] = [await startPeer(clock), await startPeer(clock)];
  const host = { give: (): List | Promise<List> => [a.issuer, b.issuer], calls: 0 };
  const federation = await startFederation({
    clock,
    store,
    options: { timeoutMs: 1000 },
    trustedIssuers: () => {
      host.calls += 1;
      return host.give();
    },
  });
  return { clock, a, b, host, federation };
}

describe('a function as the option "broker.trustedIssuers"', () => {
  it.each<[string, (list: List) => List | Promise<List>]>([
    ['a list', (list) => list],
    ['the promise of one', async (list) => list],
  ])('FD-2: may give %s', async (_what, give) => {
    const { a, b, host, federation } = await startWithFunction();
    host.give = () => give([a.issuer]);
    await federation.peers.refresh();

    expect(await federation.outcome(a.accessToken())).toBe('accepted');
    expect(await federation.outcome(b.accessToken())).toBe('401 invalid_token');
  });

  it('JW-2: makes it 503, not 401, until it has answered once, without a call to anybody', async () => {
    const { a, host, federation } = await startWithFunction();
    host.give = () => Promise.reject(new Error('database down'));

    expect(await federation.outcome(a.accessToken())).toBe('503 temporarily_unavailable');
    await federation.peers.refresh();
    expect(await federation.outcome(a.accessToken())).toBe('503 temporarily_unavailable');
    expect(a.requests).toEqual([]);

    host.give = () => [a.issuer];
    await federation.peers.refresh();
    expect(await federation.outcome(a.accessToken())).toBe('accepted');
  });

  it('FD-2: ends the trust in an issuer that it leaves out at once, for remembered tokens too', async () => {
    const { a, b, host, federation } = await startWithFunction();
    await federation.peers.refresh();
    const [remembered, ofB] = [a.accessToken(), b.accessToken()];
    await federation.verify(remembered);
    await federation.verify(ofB);
    await expect.poll(() => federation.kept()).toHaveLength(2);
    host.give = () => [b.issuer];
    a.clearRequests();

    await federation.peers.refresh();

    expect(await federation.outcome(remembered)).toBe('401 invalid_token');
    expect(await federation.outcome(a.accessToken())).toBe('401 invalid_token');
    expect(await federation.outcome(ofB)).toBe('accepted');
    expect(a.requests).toEqual([]);
    await expect.poll(() => federation.kept()).toEqual([b.issuer]);
  });

  it('FD-2: deletes the keys of an issuer that was removed while they were fetched', async () => {
    const { a, b, host, federation } = await startWithFunction();
    await federation.peers.refresh();
    const gate = new AbortController();
    a.behaviour.faults.jwks = async ({ response, usual }) => {
      const { body } = await usual();
      await once(gate.signal, 'abort');
      response.writeHead(200).end(JSON.stringify(body));
    };

    const outcome = federation.outcome(a.accessToken());
    await expect.poll(() => a.requestsTo('jwks').length).toBe(1);
    host.give = () => [b.issuer];
    await federation.peers.refresh();
    gate.abort();

    expect(await outcome).toBe('401 invalid_token');
    await federation.verify(b.accessToken());
    await expect.poll(() => federation.kept()).toEqual([b.issuer]);
  });

  it('FD-2: deletes the keys of an issuer that was removed while they were written', async () => {
    const gate = new AbortController();
    const store = new (class extends MemoryBrokerStore {
      writes = 0;

      override async savePeerKeys(keys: StoredPeerKeys): Promise<void> {
        this.writes += 1;
        await once(gate.signal, 'abort');
        return super.savePeerKeys(keys);
      }
    })();
    const { a, host, federation } = await startWithFunction(store);
    await federation.peers.refresh();
    await federation.verify(a.accessToken());
    await expect.poll(() => store.writes).toBe(1);
    host.give = () => [];
    await federation.peers.refresh();
    await expect.poll(() => federation.kept()).toEqual([]);

    gate.abort();
    await expect.poll(() => federation.kept()).toEqual([a.issuer]);
    await federation.peers.refresh();

    await expect.poll(() => federation.kept()).toEqual([]);
  });

  it('FD-2: trusts an issuer again that it gives again', async () => {
    const { a, host, federation } = await startWithFunction();
    const token = a.accessToken();
    for (const trusted of [true, false, true]) {
      host.give = () => (trusted ? [a.issuer] : []);
      await federation.peers.refresh();

      expect(await federation.outcome(token)).toBe(trusted ? 'accepted' : '401 invalid_token');
    }
  });

  it('FD-2: leaves the key sets of issuers alone that stay', async () => {
    const { clock, a, b, host, federation } = await startWithFunction();
    for (let at = 0; at < 20; at += 1) {
      host.give = () => (at % 2 === 0 ? [{ issuer: a.issuer }, b.issuer] : [a.issuer]);
      await federation.peers.refresh();
      expect(await federation.outcome(a.accessToken())).toBe('accepted');
      clock.advance(5);
    }

    expect(host.calls).toBe(20);
    expect(a.requestsTo('jwks')).toHaveLength(1);
  });

  it('FD-2: ends no remembered verification of an issuer that stays', async () => {
    const { a, host, federation } = await startWithFunction();
    await federation.peers.refresh();
    const issuer = federation.peers.named(a.issuer);
    const remembered = await federation.verify(a.accessToken());
    expect(issuer?.accepts?.(remembered)).toBe(true);

    host.give = () => [{ issuer: a.issuer }, 'https://new.example.org'];
    await federation.peers.refresh();

    expect(issuer?.accepts?.(remembered)).toBe(true);
    expect(federation.peers.named(a.issuer)).toBe(issuer);
  });

  it('FD-4: lets a changed entry count for remembered tokens at once, without a new fetch', async () => {
    const { a, b, host, federation } = await startWithFunction();
    const roles = ['staff', 'admins'];
    host.give = () => [b.issuer, { issuer: a.issuer, roles }];
    await federation.peers.refresh();
    const token = a.accessToken();
    expect((await federation.verify(token)).roles).toEqual(['staff', 'admins']);

    roles.pop(); // the host changes its own list in place
    await federation.peers.refresh();

    expect((await federation.verify(token)).roles).toEqual(['staff']);
    expect(a.requestsTo('jwks')).toHaveLength(1);
  });

  it('FD-2: asks a changed "jwksUri" from then on, and forgets the keys of the one before', async () => {
    const { a, b, host, federation } = await startWithFunction();
    host.give = () => [a.issuer];
    await federation.peers.refresh();
    await federation.verify(a.accessToken());

    host.give = () => [{ issuer: a.issuer, jwksUri: `${b.issuer}/jwks` }];
    await federation.peers.refresh();

    expect(await federation.outcome(a.accessToken())).toBe('401 invalid_token');
    expect(await federation.outcome(b.accessToken({ iss: a.issuer }))).toBe('accepted');
  });

  it.each<[string, () => List | Promise<List>]>([
    [
      'throws',
      () => {
        throw new TypeError('canary text of the host');
      },
    ],
    ['rejects', () => Promise.reject(new Error('canary text of the host'))],
    ['gives no list', () => JSON.parse('null')],
    ['gives an issuer without https', () => ['http://peer.example.org']],
    ['gives an issuer twice', () => ['https://peer.example.org', 'https://peer.example.org']],
    ['never answers', () => new Promise<List>(() => undefined)],
  ])('FD-2: keeps the last good list when it %s, and says so', async (_how, give) => {
    const { clock, a, host, federation } = await startWithFunction();
    const failures = federation.record('trusted-issuers-failed');
    await federation.peers.refresh();
    const logged = capturedLogs().length;

    host.give = give;
    for (const times of [1, 2]) {
      const looking = federation.peers.refresh();
      while (host.calls <= times) await turn();
      clock.advance(30);
      await looking;
    }

    expect(await federation.outcome(a.accessToken())).toBe('accepted');
    expect(failures).toHaveLength(2);
    const lines = capturedLogs().slice(logged);
    expect(lines.filter((line) => line.includes('trusted-issuers-failed'))).toHaveLength(1);
    expect(lines.join('\n')).not.toContain('canary');
  });

  it('FD-2: names the mistake of a list that cannot be used', async () => {
    const { host, federation } = await startWithFunction();
    const failures = federation.record('trusted-issuers-failed');
    host.give = () => ['http://peer.example.org'];

    await federation.peers.refresh();

    expect(failures).toEqual([
      {
        provider: 'default',
        reason: expect.stringContaining('"http://peer.example.org", which is no usable issuer'),
      },
    ]);
  });

  it('DS-4: is asked once by any number of calls at the same time', async () => {
    const { host, federation } = await startWithFunction();

    await Promise.all(Array.from({ length: 10 }, () => federation.peers.refresh()));

    expect(host.calls).toBe(1);
  });
});
