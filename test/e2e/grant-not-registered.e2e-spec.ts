import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { OidcEvents } from '../../lib/index.js';
import { flowAdapters, startApp, type TestApp } from '../support/app.js';
import { brokerLogin, refresh, startBrokerApp } from '../support/broker-app.js';
import { pollDevice, startDevice } from '../support/device-login.js';
import { FakeClock } from '../support/fake-clock.js';
import { answerWith } from '../support/faults.js';
import { request, type Reply } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';
import { openOwnLogin, wayBack } from '../support/own-callback.js';
import { expectRefusal } from '../support/refusal.js';
import { UserAgent } from '../support/user-agent.js';

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

/** What Keycloak, Auth0, Okta and others answer for a grant that is off for a client. */
const answers = [400, 401, 403].map((status) => ({ status }));

const ways: Readonly<
  Record<
    string,
    { grant: string; ask: (app: TestApp, provider: MisbehavingProvider) => Promise<Reply> }
  >
> = {
  'the start of a device login': {
    grant: DEVICE_GRANT,
    ask: (app) => request(`${app.url}/auth/v2/device`, { form: {} }),
  },
  'the poll of a device': {
    grant: DEVICE_GRANT,
    ask: (app) => pollDevice(app, 'a-device-code'),
  },
  'a login at the token route': {
    grant: 'authorization_code',
    ask: async (app) => postToken(app, handleForm(await openLogin(app))),
  },
  'a login at our callback': {
    grant: 'authorization_code',
    ask: async (app, provider) => {
      const agent = new UserAgent();
      return agent.get(wayBack(await openOwnLogin(app, agent), provider));
    },
  },
};

const refreshed = {
  grant: 'refresh_token',
  ask: (app: TestApp) => postToken(app, { refresh_token: 'a-refresh-token' }),
};

describe.each(flowAdapters)('a grant that the client is not registered for on %s', (adapter) => {
  const clock = new FakeClock();
  let provider: MisbehavingProvider;
  let passthrough: TestApp;
  let broker: TestApp;

  beforeAll(async () => {
    provider = await startMisbehavingProvider({ clock });
    passthrough = await startApp({ adapter, provider, clock });
    broker = await startBrokerApp({ adapter, provider, clock });
  });

  beforeEach(() => {
    provider.resetBehaviour();
    clock.advance(61);
  });

  afterAll(async () => {
    await passthrough.close();
    await broker.close();
    await provider.close();
  });

  function refuseEverything(status: number): void {
    const fault = answerWith({ status, body: { error: 'unauthorized_client' } });
    provider.behaviour.faults = { token: fault, device: fault };
  }

  const cases = answers.flatMap(({ status }) => Object.keys(ways).map((way) => ({ status, way })));

  it.each(cases)(
    'TK-5: $way, refused with $status, is 503, and the log names the grant to enable',
    async ({ status, way }) => {
      const { grant, ask } = ways[way] ?? refreshed;
      for (const app of [passthrough, broker]) {
        refuseEverything(status);
        const linesBefore = app.logs().length;

        const reply = await ask(app, provider);

        expectRefusal(reply, 503, 'temporarily_unavailable');
        const log = app.logs().slice(linesBefore).join('\n');
        expect(log).toMatch(new RegExp(`ERROR.*grant-refused.*"${grant}".*enable this grant`));
        expect(log).not.toContain('clientSecret');
        clock.advance(61);
      }
    },
  );

  it('TK-5: a refresh in passthrough mode is 503 and names the grant', async () => {
    refuseEverything(400);
    const linesBefore = passthrough.logs().length;

    expectRefusal(await refreshed.ask(passthrough), 503, 'temporarily_unavailable');

    expect(passthrough.logs().slice(linesBefore).join('\n')).toMatch(
      /grant-refused.*refresh_token/,
    );
  });

  it('RF-5: a refresh in broker mode costs no session: it works once the grant is enabled', async () => {
    const { refreshToken } = await brokerLogin(broker);
    refuseEverything(403);
    const linesBefore = broker.logs().length;

    expectRefusal(await refresh(broker, refreshToken), 503, 'temporarily_unavailable');

    expect(broker.logs().slice(linesBefore).join('\n')).toMatch(/grant-refused.*refresh_token/);
    provider.resetBehaviour();
    clock.advance(30); // past the lease
    expect((await refresh(broker, refreshToken)).status).toBe(200);
  });

  it('TK-3: a login can be finished once the grant is enabled', async () => {
    const login = await openLogin(passthrough);
    refuseEverything(400);
    expectRefusal(await postToken(passthrough, handleForm(login)), 503, 'temporarily_unavailable');

    provider.resetBehaviour();

    expect((await postToken(passthrough, handleForm(login))).status).toBe(200);
  });

  it('DV-4: a device endpoint that knows no such grant is no device endpoint', async () => {
    const body = { error: 'unsupported_grant_type' };
    provider.behaviour.faults.device = answerWith({ status: 400, body });

    const reply = await request(`${passthrough.url}/auth/v2/device`, { form: {} });

    expectRefusal(reply, 503, 'temporarily_unavailable');
  });

  it('LG-3: is an event of its own, and no rejected client', async () => {
    const app = await startApp({ adapter, provider, clock });
    onTestFinished(() => app.close());
    const seen: object[] = [];
    const events = app.app.get(OidcEvents, { strict: false });
    for (const name of ['grant-refused', 'client-rejected', 'provider-failed'] as const) {
      events.on(name, (event) => seen.push({ name, ...event }));
    }
    refuseEverything(400);

    await request(`${app.url}/auth/v2/device`, { form: {} });

    expect(seen).toEqual([{ name: 'grant-refused', provider: 'default', grant: DEVICE_GRANT }]);
  });

  it('DV-1: does not keep a device polling, and a device login works when it is enabled', async () => {
    const { deviceCode, userCode } = await startDevice(passthrough);
    refuseEverything(400);
    expectRefusal(await pollDevice(passthrough, deviceCode), 503, 'temporarily_unavailable');

    provider.resetBehaviour();
    provider.approveDevice(userCode);
    clock.advance(10);

    expect((await pollDevice(passthrough, deviceCode)).status).toBe(200);
  });
});
