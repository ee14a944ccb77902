import { decodeJwt } from 'jose';
import { describe, expect, it, onTestFinished } from 'vitest';

import type { IdTokenClaims, OAuthError } from '../../lib/index.js';
import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
import { flowAdapters } from '../support/app.js';
import { FLEET_AUDIENCE } from '../support/federation.js';
import { addressOf, Fleet, logIn, type FleetMember, type FleetTokens } from '../support/fleet.js';
import { request } from '../support/http-request.js';
import { startMisbehavingProvider } from '../support/misbehaving-provider.js';
import { postToken } from '../support/open-login.js';
import { expectRefusal } from '../support/refusal.js';

const PEER = addressOf('peer');

/** A store that tells what sessions were looked for. */
class WatchedStore extends MemoryBrokerStore {
  readonly lookedFor: string[] = [];

  override findSession(...asked: Parameters<MemoryBrokerStore['findSession']>) {
    this.lookedFor.push(asked[0]);
    return super.findSession(...asked);
  }
}

const grantTypes = {
  exchange: 'urn:ietf:params:oauth:grant-type:token-exchange',
  accessToken: 'urn:ietf:params:oauth:token-type:access_token',
};

type Place = [place: string, present: (app: FleetMember, token: string) => Promise<unknown>];

/** What may be presented at the token route. */
const grants: readonly Place[] = [
  [
    'as refresh token',
    async (app, token) => {
      expectRefusal(await postToken(app, { refresh_token: token }), 400, 'invalid_grant');
    },
  ],
  [
    'as refresh token in the spelling of the reference',
    async (app, token) => {
      expectRefusal(await postToken(app, { 'refresh-token': token }), 400, 'invalid_grant');
    },
  ],
  [
    'as subject token',
    async (app, token) => {
      const form = {
        grant_type: grantTypes.exchange,
        subject_token: token,
        subject_token_type: grantTypes.accessToken,
      };
      expectRefusal(await postToken(app, form), 400, 'invalid_request');
    },
  ],
];

/** Each place beyond the guard where somebody may present a token. */
const places: readonly Place[] = [
  ...grants,
  [
    'for logout',
    async (app, token) => {
      const reply = await request(`${app.url}/auth/v2/logout`, { bearer: token });
      expectRefusal(reply, 400, 'invalid_request');
    },
  ],
];

/** Alice's own session is what it was. */
async function expectUntouched(
  app: FleetMember,
  { accessToken, refreshToken }: FleetTokens,
): Promise<void> {
  expect((await request(`${app.url}/required`, { bearer: accessToken })).status).toBe(200);
  expect((await postToken(app, { refresh_token: refreshToken })).status).toBe(200);
}

describe.each(flowAdapters)('a token of a peer beyond the guard, on %s', (adapter) => {
  /** An application with a session of alice's, and a peer that it trusts and that knows all about that session. */
  const startWithHostilePeer = async () => {
    const fleet = await Fleet.start();
    const peer = await startMisbehavingProvider({ audience: FLEET_AUDIENCE, clock: fleet.clock });
    onTestFinished(() => peer.close());
    fleet.reach(PEER, peer.issuer);
    const store = new WatchedStore();
    const app = await fleet.add('app', {
      adapter,
      store,
      trustedIssuers: [PEER],
      broker: { signingAlgorithm: 'ES256' }, // an RSA key takes a second to make
    });
    const victim = await logIn(app);
    const { sub, sid, jti } = decodeJwt(victim.accessToken);
    const forge = (claims: object = {}): string =>
      peer.accessToken({ iss: PEER, sub, sid, jti, client_id: 'my-client', ...claims });
    store.lookedFor.length = 0;
    return { fleet, app, store, victim, forge, peer };
  };

  it.each(places)('FD-3: is refused %s, and no session is looked for', async (_place, present) => {
    const { app, store, victim, forge } = await startWithHostilePeer();
    const token = forge();
    expect((await request(`${app.url}/required`, { bearer: token })).status).toBe(200);

    await present(app, token);

    expect(store.lookedFor).toEqual([]);
    await expectUntouched(app, victim);
  });

  it.each(grants)('FD-3: is refused %s when it has expired, too', async (_place, present) => {
    const { fleet, app, store, victim, forge } = await startWithHostilePeer();
    const exp = Math.floor(fleet.clock.now().getTime() / 1000) - 3600;

    await present(app, forge({ exp }));

    expect(store.lookedFor).toEqual([]);
    await expectUntouched(app, victim);
  });

  it.each<[string, (app: FleetMember, claims: IdTokenClaims) => Promise<unknown>, unknown]>([
    ['getIdpToken', ({ service }, claims) => service.getIdpToken(claims), 'invalid_grant'],
    ['revokeSession', ({ service }, claims) => service.revokeSession(claims), false],
    ['listSessions', ({ service }, claims) => service.listSessions(claims), []],
    ['revokeSessions', ({ service }, claims) => service.revokeSessions(claims), 0],
    ['getIdpToken by sid', ({ service }, { sid }) => service.getIdpToken(sid), 'invalid_grant'],
    ['revokeSession by sid', ({ service }, { sid }) => service.revokeSession(sid), false],
  ])('FD-3: %s() gives its claims no session of ours', async (_method, call, nothing) => {
    const { app, store, victim, forge } = await startWithHostilePeer();
    const claims = await app.service.verify(forge());
    expect(claims).not.toHaveProperty('sid');

    const outcome = await call(app, claims).catch(({ error }: OAuthError) => error);

    expect(outcome).toEqual(nothing);
    expect(store.lookedFor).toEqual([]);
    await expectUntouched(app, victim);
  });

  it('FD-3: revokes nothing here', async () => {
    const { app, store, victim, forge } = await startWithHostilePeer();

    const reply = await request(`${app.url}/auth/v2/revoke`, { form: { token: forge() } });

    expect(reply.status).toBe(200);
    expect(store.lookedFor).toEqual([]);
    await expectUntouched(app, victim);
  });

  it('FD-1: does not name us as its issuer', async () => {
    const { app, victim, forge } = await startWithHostilePeer();

    const reply = await request(`${app.url}/required`, { bearer: forge({ iss: app.issuer }) });

    expect(reply.status).toBe(401);
    await expectUntouched(app, victim);
  });
});
