import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { TestApp } from '../support/app.js';
import { guarded } from '../support/broker-app.js';
import { postToken } from '../support/open-login.js';
import { expectRefusal } from '../support/refusal.js';
import { exchange } from '../support/token-exchange.js';
import { python } from './support/counterparts.js';
import { MixedFleet, pairs } from './support/mixed-fleet.js';
import type { PythonPeer } from './support/python-peer.js';

const { at, skipped } = python();

describe.skipIf(skipped)(`Python peers${skipped ? ` (${skipped})` : ''}`, () => {
  describe.each(pairs)('a peer on $framework and an instance on $adapter', (pair) => {
    let fleet: MixedFleet;
    let peer: PythonPeer;
    let ours: TestApp;

    beforeAll(async () => {
      fleet = await MixedFleet.start(at, pair);
      ({ peer, ours } = await fleet.startPair());
    });

    afterAll(async () => {
      await fleet.end();
    });

    it('FD-4: accept the tokens of each other, and see the same user, roles and audience', async () => {
      const [ofOurs, ofPeer] = [await fleet.logIn(ours), await fleet.logIn(peer)];
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
      const [ofOurs, ofPeer] = [await fleet.logIn(ours), await fleet.logIn(peer)];
      const [bobOfOurs, bobOfPeer] = [
        await fleet.logIn(ours, 'bob'),
        await fleet.logIn(peer, 'bob'),
      ];

      expect(await peer.guard(ofOurs.accessToken, '/admins')).toMatchObject({ sub: 'alice' });
      expect(await guarded(ours, ofPeer.accessToken, '/admins')).toBe('200');
      expect(await peer.guard(bobOfOurs.accessToken)).toMatchObject({ sub: 'bob' });
      expect(await guarded(ours, bobOfPeer.accessToken)).toBe('200');
      expect(await peer.guard(bobOfOurs.accessToken, '/admins')).toBe(403);
      expect(await guarded(ours, bobOfPeer.accessToken, '/admins')).toBe('403 insufficient_scope');
    });

    it('FD-4: a peer gives the roles of every client, and here those of its entry count alone', async () => {
      const entry = { issuer: peer.issuer, roles: ['admins'] };
      const limited = await fleet.startInstance({ broker: { trustedIssuers: [entry] } });
      const { accessToken, claims } = await fleet.logIn(peer);

      expect(claims['roles']).toContain('superuser'); // of another client of the provider
      expect(await guarded(ours, accessToken, '/superusers')).toBe('200');
      expect(await guarded(limited, accessToken, '/superusers')).toBe('403 insufficient_scope');
      expect(await guarded(limited, accessToken, '/admins')).toBe('200');
    });

    it('FD-4: find the keys of each other when both have a prefix of their own', async () => {
      const prefixed = await fleet.startPair({ prefix: '/api' });
      const ofOurs = await fleet.logIn({ url: `${prefixed.ours.url}/api` });
      const ofPeer = await fleet.logIn(prefixed.peer);

      const seenThere = await prefixed.peer.guard(ofOurs.accessToken);

      expect(seenThere).toMatchObject({ iss: prefixed.ours.url });
      expect(await guarded(prefixed.ours, ofPeer.accessToken)).toBe('200');
    });

    it('FD-2: refuse the tokens of one that they do not list', async () => {
      const stranger = await fleet.startInstance();
      const [ofStranger, ofPeer] = [await fleet.logIn(stranger), await fleet.logIn(peer)];

      expect(await peer.guard(ofStranger.accessToken)).toBe(401);
      expect(await guarded(ours, ofStranger.accessToken)).toBe('401 invalid_token');
      expect(await guarded(stranger, ofPeer.accessToken)).toBe('401 invalid_token');
    });

    it('FD-1: a peer speaks for no other here, although it can at the reference', async () => {
      const spokenFor = await fleet.startInstance();
      const issuer = spokenFor.url;
      const liar = await fleet.preparePeer({ issuer });
      const trustedIssuers = [issuer, liar.address];
      const strict = await fleet.startInstance({ broker: { trustedIssuers } });
      const reference = await fleet.preparePeer();
      await Promise.all([liar.start([]), reference.start(trustedIssuers)]);

      const [genuine, forged] = [await fleet.logIn(spokenFor), await fleet.logIn(liar)];

      expect(forged.claims).toMatchObject({ iss: issuer, aud: 'myapp-api', sub: 'alice' });
      for (const { accessToken } of [genuine, forged]) {
        expect(await reference.guard(accessToken)).toMatchObject({ iss: issuer });
      }
      expect(await guarded(strict, genuine.accessToken)).toBe('200');
      expect(await guarded(strict, forged.accessToken)).toBe('401 invalid_token');
      expect(await guarded(spokenFor, forged.accessToken)).toBe('401 invalid_token');
    });

    it('FD-3: the tokens of one are good for the guard of the other alone', async () => {
      const { accessToken, refreshToken } = await fleet.logIn(peer);
      const ofOurs = await fleet.logIn(ours);

      const refreshed = await postToken(ours, { 'refresh-token': refreshToken });
      const exchanged = await exchange(ours, accessToken);

      expectRefusal(refreshed, 400, 'invalid_grant');
      expectRefusal(exchanged, 400, 'invalid_request');
      expect(await guarded(ours, accessToken)).toBe('200');
      expect(await peer.guard(ofOurs.refreshToken)).toBe(401);
    });
  });
});
