import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { flowAdapters, startApp, type TestApp } from '../support/app.js';
import { brokerLogin, guarded, refresh, startBrokerApp } from '../support/broker-app.js';
import { pollDevice, startDevice } from '../support/device-login.js';
import { FakeClock } from '../support/fake-clock.js';
import type { Fault } from '../support/faults.js';
import { request } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';
import { bodyBytes } from '../support/provider-answer.js';
import { expectRefusal } from '../support/refusal.js';

/** What stands in `Content-Type` of a JSON body; `undefined`: no such header. */
const labels: readonly (string | undefined)[] = [
  undefined,
  '',
  'application/json',
  'application/json;charset=UTF-8',
  'application/json ; charset=utf-8',
  'application/json; charset="utf8"',
  'Application/JSON',
  'text/plain',
  'text/plain; charset=ISO-8859-1',
  'text/javascript; charset=utf-8',
  'application/javascript',
  'text/html',
  'text/json',
  'application/problem+json',
  'application/vnd.example+json; v=1',
  'application/octet-stream',
  'application/x-www-form-urlencoded',
  'nonsense',
];

interface Answered {
  readonly status: number;
  readonly body: unknown;
}

/** Sends a body under a label. */
function labelled(label: string | undefined, answer?: Answered, challenge?: string): Fault {
  return async ({ response, usual }) => {
    const { status, body } = answer ?? (await usual());
    if (label !== undefined) response.setHeader('content-type', label);
    if (challenge !== undefined) response.setHeader('www-authenticate', challenge);
    response.writeHead(status);
    response.end(bodyBytes({ status, body }));
  };
}

const refusal = (error: string, status = 400): Answered => ({
  status,
  body: { error, error_description: 'é' },
});

describe.each(flowAdapters)('answers of the provider under odd labels on %s', (adapter) => {
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
    provider.clearRequests();
    clock.advance(61);
  });

  afterAll(async () => {
    await passthrough.close();
    await broker.close();
    await provider.close();
  });

  it.each(labels)('RF-5: invalid_grant ends the session, labelled %j', async (label) => {
    const { accessToken, refreshToken } = await brokerLogin(broker);
    provider.behaviour.faults.token = labelled(label, refusal('invalid_grant'));

    expectRefusal(await refresh(broker, refreshToken), 400, 'invalid_grant');

    expect(await guarded(broker, accessToken)).toBe('401 invalid_token');
  });

  it.each(labels)('TK-5: a refusal at a refresh comes through, labelled %j', async (label) => {
    for (const status of [400, 401, 403]) {
      provider.behaviour.faults.token = labelled(label, refusal('invalid_grant', status));

      const reply = await postToken(passthrough, { refresh_token: 'any-refresh-token' });

      expectRefusal(reply, 400, 'invalid_grant');
    }
  });

  it.each(labels)('TK-5: the refusal of our credentials is known, labelled %j', async (label) => {
    const linesBefore = passthrough.logs().length;
    const challenge = 'Basic realm="idp"';
    provider.behaviour.faults.token = labelled(label, refusal('invalid_client', 401), challenge);

    const reply = await postToken(passthrough, { refresh_token: 'any-refresh-token' });

    expectRefusal(reply, 502, 'server_error');
    const log = passthrough.logs().slice(linesBefore).join('\n');
    expect(log).toMatch(/client-rejected.*invalid_client.*clientSecret/);
  });

  it.each(labels)('DV-1: polls are answered with the code, labelled %j', async (label) => {
    const { deviceCode, intervalSec } = await startDevice(passthrough);
    for (const [error, status] of [
      ['authorization_pending', 400],
      ['authorization_pending', 428], // Google
      ['slow_down', 403], // Google
      ['access_denied', 403],
      ['expired_token', 400],
    ] as const) {
      provider.behaviour.faults.token = labelled(label, refusal(error, status));
      clock.advance(intervalSec);

      expectRefusal(await pollDevice(passthrough, deviceCode), 400, error);
    }
  });

  it.each(labels)('TK-6: logins, refreshes and device logins work, labelled %j', async (label) => {
    const fault = labelled(label);
    provider.behaviour.faults = { token: fault, device: fault, userinfo: fault, revocation: fault };

    const first = await brokerLogin(broker);
    const next = await refresh(broker, first.refreshToken);
    const { deviceCode, userCode } = await startDevice(passthrough);
    provider.approveDevice(userCode);
    const device = await pollDevice(passthrough, deviceCode);

    expect(next.status).toBe(200);
    expect(device.status).toBe(200);
    const form = { token: String(device.json()['refresh_token']) };
    expect((await request(`${passthrough.url}/auth/v2/revoke`, { form })).status).toBe(200);
  });

  it.each(labels)('DV-4: a refused device login is refused, labelled %j', async (label) => {
    provider.behaviour.faults.device = labelled(label, refusal('invalid_scope'));

    const reply = await request(`${passthrough.url}/auth/v2/device`, { form: {} });

    expectRefusal(reply, 400, 'invalid_scope');
  });

  it.each(labels)('TK-5: a refused revocation is refused, labelled %j', async (label) => {
    const answer = refusal('unsupported_token_type');
    provider.behaviour.faults.revocation = labelled(label, answer);

    const form = { token: 'any-token' };
    const reply = await request(`${passthrough.url}/auth/v2/revoke`, { form });

    expectRefusal(reply, 400, 'unsupported_token_type');
  });

  it.each(labels)('CL-5: userinfo is read, labelled %j', async (label) => {
    provider.behaviour.faults.userinfo = labelled(label);
    const bearer = provider.accessToken({ preferred_username: undefined });

    const reply = await request(`${passthrough.url}/auth/v2/userinfo`, { bearer });

    expect(reply.json()).toMatchObject({ username: 'alice' });
  });

  it('TK-5: the refusal of our credentials without a body is known by its challenge', async () => {
    const linesBefore = passthrough.logs().length;
    const page = { status: 401, body: '<h1>401</h1>' };
    provider.behaviour.faults.token = labelled('text/html', page, 'Basic realm="idp"');

    const login = handleForm(await openLogin(passthrough));

    expectRefusal(await postToken(passthrough, login), 502, 'server_error');
    const log = passthrough.logs().slice(linesBefore).join('\n');
    expect(log).toMatch(/client-rejected/);
  });

  it.each(['<p>{"error":"invalid_grant"}</p>', 'error=invalid_grant', '"invalid_grant"', '[]'])(
    'TK-5: a body that is no JSON object says nothing, whatever its label: %s',
    async (text) => {
      for (const label of ['application/json', 'text/plain']) {
        provider.behaviour.faults.token = labelled(label, { status: 400, body: text });

        const reply = await postToken(passthrough, { refresh_token: 'any-refresh-token' });

        expectRefusal(reply, 502, 'server_error');
      }
    },
  );

  describe('of device logins before RFC 8628', () => {
    const url = 'https://idp.example/device';

    it.each<[name: string, change: Record<string, unknown>, complete: unknown]>([
      ['verification_url', { verification_url: url }, undefined],
      [
        'verification_url beside null',
        { verification_uri: null, verification_url: url },
        undefined,
      ],
      [
        'verification_url beside an empty text',
        { verification_uri: '', verification_url: url },
        undefined,
      ],
      [
        'verification_url_complete',
        { verification_url: url, verification_url_complete: `${url}?user_code=x` },
        `${url}?user_code=x`,
      ],
      [
        'null as the complete one',
        { verification_url: url, verification_uri_complete: null },
        undefined,
      ],
      [
        'an empty complete one',
        { verification_url: url, verification_uri_complete: '' },
        undefined,
      ],
    ])('DV-4: %s is read', async (_name, change, complete) => {
      provider.behaviour.device = ({
        verification_uri: _uri,
        verification_uri_complete: _complete,
        ...body
      }) => ({ ...body, ...change, expires_in: '1800' });

      const reply = await request(`${passthrough.url}/auth/v2/device`, { form: {} });

      expect(reply.json()).toEqual({
        device_code: expect.any(String),
        user_code: expect.any(String),
        verification_uri: url,
        ...(complete === undefined ? {} : { verification_uri_complete: complete }),
        expires_in: 1800,
        interval: 5,
      });
    });

    it('DV-4: the address of the RFC comes first, and neither may be untrustworthy', async () => {
      for (const [change, status] of [
        [{ verification_uri: url, verification_url: 'http://evil.example' }, 200],
        [{ verification_uri: undefined, verification_url: 'http://evil.example' }, 502],
        [{ verification_uri: undefined, verification_url: 'javascript:alert(1)' }, 502],
        [{ verification_url: url, verification_url_complete: 'http://evil.example' }, 502],
      ] as const) {
        provider.behaviour.device = ({ verification_uri_complete: _gone, ...body }) => ({
          ...body,
          ...change,
        });

        const reply = await request(`${passthrough.url}/auth/v2/device`, { form: {} });

        expect(reply.status).toBe(status);
        if (status === 200) expect(reply.json()['verification_uri']).toBe(url);
      }
    });

    it.each([
      ['authorization_declined', 400, 'access_denied'], // Entra ID
      ['bad_verification_code', 400, 'invalid_grant'], // Entra ID
    ])('DV-1: %s with %d becomes %s', async (error, status, expected) => {
      const { deviceCode } = await startDevice(passthrough);
      provider.behaviour.faults.token = labelled('application/json', refusal(error, status));

      expectRefusal(await pollDevice(passthrough, deviceCode), 400, expected);
    });

    it("DV-4: Google's quota is 503, so that clients try another way", async () => {
      const body = { error_code: 'rate_limit_exceeded' };
      provider.behaviour.faults.device = labelled('application/json', { status: 403, body });

      const reply = await request(`${passthrough.url}/auth/v2/device`, { form: {} });

      expectRefusal(reply, 503, 'temporarily_unavailable');
    });
  });
});
