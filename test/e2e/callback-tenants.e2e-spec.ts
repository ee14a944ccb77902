import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { flowAdapters, startApp, type TestApp } from '../support/app.js';
import type { JsonMembers } from '../support/compact-jws.js';
import { request, type Reply } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { LOOPBACK_REDIRECT, handleForm, openLogin, postToken } from '../support/open-login.js';
import { openOwnLogin, wayBack } from '../support/own-callback.js';
import { expectRefusal } from '../support/refusal.js';
import { FOREIGN_TENANT, TENANTS, issuerOf, shareIssuer, speakFor } from '../support/tenants.js';
import { UserAgent } from '../support/user-agent.js';

const [TENANT, SECOND] = TENANTS;

describe.each(flowAdapters)('an issuer shared by tenants on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let app: TestApp;

  const issuer = (tenant: string): string => issuerOf(provider, tenant);
  const tokensOf = (tenant: string, changes: JsonMembers = {}): void =>
    speakFor(provider, tenant, changes);

  async function finish(at = app, iss?: string): Promise<Reply> {
    const agent = new UserAgent();
    const open = await openOwnLogin(at, agent);
    return agent.get(wayBack(open, provider, { iss }));
  }

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    app = await startApp({ adapter, provider, options: { tenants: [TENANT, SECOND] } });
  });

  beforeEach(() => {
    provider.resetBehaviour();
    shareIssuer(provider);
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  it('CB-5: lets people of listed tenants log in, and their tokens through', async () => {
    for (const tenant of [TENANT, SECOND]) {
      tokensOf(tenant);

      const reply = await finish();

      expect(reply.status).toBe(200);
      const claims = await app.service.verify(String(reply.json()['access_token']));
      expect(claims['iss']).toBe(issuer(tenant));
    }
  });

  it('CB-5: lets them log in on loopback too', async () => {
    tokensOf(TENANT);

    const reply = await postToken(app, handleForm(await openLogin(app)));

    expect(reply.status).toBe(200);
  });

  it('CB-5: refuses people of other tenants', async () => {
    tokensOf(FOREIGN_TENANT);

    expectRefusal(await finish(), 502, 'server_error');
    const onLoopback = await postToken(app, handleForm(await openLogin(app)));
    expectRefusal(onLoopback, 502, 'server_error');
  });

  it('CB-5: refuses an ID token whose tenant and issuer differ', async () => {
    const odd: JsonMembers[] = [
      { tid: FOREIGN_TENANT },
      { tid: SECOND },
      { iss: issuer(FOREIGN_TENANT) },
      { iss: issuer('{tenantid}') },
      { iss: issuer('{tenantid}'), tid: '{tenantid}' },
      { iss: provider.issuer },
    ];

    for (const changes of odd) {
      tokensOf(TENANT, changes);
      expectRefusal(await finish(), 502, 'server_error');
    }
  });

  it('CB-3: takes iss of a listed tenant at the callback, and of no other', async () => {
    tokensOf(TENANT);

    expect((await finish(app, issuer(TENANT))).status).toBe(200);
    expectRefusal(await finish(app, issuer(FOREIGN_TENANT)), 400, 'invalid_request');
    expectRefusal(await finish(app, provider.issuer), 400, 'invalid_request');
  });

  it('CB-5: uses no metadata with a placeholder unless tenants are listed, and says so in the log', async () => {
    const own = await startApp({ adapter, provider });

    const reply = await request(`${own.url}/auth/v2/login?redirect_uri=${LOOPBACK_REDIRECT}`);

    expectRefusal(reply, 503, 'temporarily_unavailable');
    expect(own.logs().join('\n')).toMatch(/ERROR.*\{tenantid\}.*tenants/);
    await own.close();
  });
});
