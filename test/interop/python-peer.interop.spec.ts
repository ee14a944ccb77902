import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { guarded } from '../support/broker-app.js';
import { postToken } from '../support/open-login.js';
import { startProvider, type TestProvider } from '../support/provider.js';
import { expectRefusal } from '../support/refusal.js';
import { exchange } from '../support/token-exchange.js';
import { python } from './support/counterparts.js';
import {
  logInAt,
  pairs,
  preparePeer,
  startInstance,
  startPair as start,
} from './support/mixed-fleet.js';

const { at, skipped } = python();

describe.skipIf(skipped)(`Python peers${skipped ? ` (${skipped})` : ''}`, () => {
  let provider: TestProvider;

  beforeAll(async () => {
    provider = await startProvider();
  });

  afterAll(async () => {
    await provider.close();
  });

  describe.each(pairs)('a peer on $framework and an instance on $adapter', (pair) => {
    const { framework, adapter } = pair;
    const startPair = (prefix = '') => start({ python: at, pair, provider, prefix });

    it('FD-4: accept the tokens of each other, and see the same user, roles and audience', async () => {
      const { peer, ours } = await startPair();
      const [ofOurs, ofPeer] = [await logInAt(ours, provider), await logInAt(peer, provider)];
      const user = {
        sub: 'alice',
        preferred_username: 'alice',
        email: 'alice@example.org',
        aud: 'myapp-api',
        roles: expect.arrayContaining(['admins', 'team-a', 'editor']),
      };

      const seenThere = await peer.guard(ofOurs.accessToken);
      const seenHere = await ours.service.verify(ofPeer.accessToken);

      expect(seenThere).toMatchObject({ ...user, iss: ours.url });
      expect(seenHere).toMatchObject({ ...user, iss: peer.issuer });
      expect(await guarded(ours, ofPeer.accessToken)).toBe('200');
    });

    it('FD-4: let users do at each other what their roles allow', async () => {
      const { peer, ours } = await startPair();
      const [ofOurs, ofPeer] = [await logInAt(ours, provider), await logInAt(peer, provider)];
      const bobOfOurs = await logInAt(ours, provider, 'bob');
      const bobOfPeer = await logInAt(peer, provider, 'bob');

      expect(await peer.guard(ofOurs.accessToken, '/admins')).toMatchObject({ sub: 'alice' });
      expect(await guarded(ours, ofPeer.accessToken, '/admins')).toBe('200');
      expect(await peer.guard(bobOfOurs.accessToken)).toMatchObject({ sub: 'bob' });
      expect(await guarded(ours, bobOfPeer.accessToken)).toBe('200');
      expect(await peer.guard(bobOfOurs.accessToken, '/admins')).toBe(403);
      expect(await guarded(ours, bobOfPeer.accessToken, '/admins')).toBe('403 insufficient_scope');
    });

    it('FD-4: find the keys of each other when both have a prefix of their own', async () => {
      const { peer, ours } = await startPair('/api');
      const ofOurs = await logInAt({ url: `${ours.url}/api` }, provider);
      const ofPeer = await logInAt(peer, provider);

      expect(await peer.guard(ofOurs.accessToken)).toMatchObject({ iss: ours.url });
      expect(await guarded(ours, ofPeer.accessToken)).toBe('200');
    });

    it('FD-2: refuse the tokens of one that they do not list', async () => {
      const { peer, ours } = await startPair();
      const stranger = await startInstance({ adapter, provider });
      const ofStranger = await logInAt(stranger, provider);
      const ofPeer = await logInAt(peer, provider);

      expect(await peer.guard(ofStranger.accessToken)).toBe(401);
      expect(await guarded(ours, ofStranger.accessToken)).toBe('401 invalid_token');
      expect(await guarded(stranger, ofPeer.accessToken)).toBe('401 invalid_token');
    });

    it('FD-1: a peer speaks for no other at ours, although it can at the reference', async () => {
      const spokenFor = await startInstance({ adapter, provider });
      const issuer = spokenFor.url;
      const liar = await preparePeer({ python: at, framework, provider, issuer });
      const peer = await preparePeer({ python: at, framework, provider });
      const trustedIssuers = [issuer, liar.address];
      const ours = await startInstance({ adapter, provider, broker: { trustedIssuers } });
      await liar.start([]);
      await peer.start(trustedIssuers);

      const genuine = await logInAt(spokenFor, provider);
      const forged = await logInAt(liar, provider);

      expect(forged.claims).toMatchObject({ iss: issuer, aud: 'myapp-api', sub: 'alice' });
      for (const { accessToken } of [genuine, forged]) {
        expect(await peer.guard(accessToken)).toMatchObject({ iss: issuer });
      }
      expect(await guarded(ours, genuine.accessToken)).toBe('200');
      expect(await guarded(ours, forged.accessToken)).toBe('401 invalid_token');
      expect(await guarded(spokenFor, forged.accessToken)).toBe('401 invalid_token');
    });

    it('FD-3: the tokens of a peer are good for the guard alone', async () => {
      const { peer, ours } = await startPair();
      const { accessToken, refreshToken } = await logInAt(peer, provider);
      const ofOurs = await logInAt(ours, provider);

      const refreshed = await postToken(ours, { 'refresh-token': refreshToken });
      const exchanged = await exchange(ours, accessToken);

      expectRefusal(refreshed, 400, 'invalid_grant');
      expectRefusal(exchanged, 400, 'invalid_request');
      expect(await guarded(ours, accessToken)).toBe('200');
      expect(await peer.guard(ofOurs.refreshToken)).toBe(401);
    });
  });
});
