import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
import { METRICS } from '../../lib/telemetry/metrics.js';
import type { TestApp } from '../support/app.js';
import { brokerLogin, guarded, refresh, startBrokerApp } from '../support/broker-app.js';
import { secretsIn } from '../support/canary-secrets.js';
import { answerWith, delay, failWith } from '../support/faults.js';
import { request } from '../support/http-request.js';
import {
  type MisbehavingProvider,
  startMisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';
import { type Telemetry, startTelemetry } from '../support/telemetry.js';
import { alice } from '../support/users.js';

/** Tells when somebody looks again. */
class WatchedStore extends MemoryBrokerStore {
  reads = 0;

  override findSession(...asked: Parameters<MemoryBrokerStore['findSession']>) {
    this.reads += 1;
    return super.findSession(...asked);
  }
}

describe('what OpenTelemetry is told', () => {
  let provider: MisbehavingProvider;
  let app: TestApp;
  let telemetry: Telemetry;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    app = await startBrokerApp({ provider });
  });

  beforeEach(() => {
    telemetry = startTelemetry();
  });

  afterEach(async () => {
    await telemetry.close();
    provider.resetBehaviour();
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  const spansNamed = (name: string) => telemetry.spans().filter((span) => span.name === name);
  const childrenOf = (parent: ReadableSpan | undefined) =>
    telemetry
      .spans()
      .filter((span) => span.parentSpanContext?.spanId === parent?.spanContext().spanId);

  const verifications = async () => {
    const values = await telemetry.metric('oidc.verifications');
    return ['verified', 'remembered', 'refused'].map((result) =>
      Number(values.find(({ attributes }) => attributes['oidc.result'] === result)?.value),
    );
  };

  it('traces a login: our routes, and under them the calls to the provider', async () => {
    await brokerLogin(app);

    expect(spansNamed('GET /auth/v2/login')).toHaveLength(1);
    const [token] = spansNamed('POST /auth/v2/token');
    expect(token?.kind).toBe(SpanKind.INTERNAL);
    expect(token?.attributes).toStrictEqual({
      'oidc.grant': 'authorization_code',
      'oidc.provider': 'default',
    });
    const { hostname, port } = new URL(provider.issuer);
    const call = childrenOf(token).find((span) => span.name.startsWith('POST '));
    expect(call?.kind).toBe(SpanKind.CLIENT);
    expect(call?.attributes).toMatchObject({
      'http.request.method': 'POST',
      'http.response.status_code': 200,
      'server.address': hostname,
      'server.port': Number(port),
      'url.full': expect.stringMatching(/^http:\/\/[^?#@]+$/),
    });
  });

  it('traces a refresh, with the renewal of the session between route and provider', async () => {
    const { refreshToken } = await brokerLogin(app);

    await refresh(app, refreshToken);

    const [renewal] = spansNamed('oidc session renewal');
    const route = spansNamed('POST /auth/v2/token').at(-1);
    expect(route?.attributes['oidc.grant']).toBe('refresh_token');
    expect(renewal?.parentSpanContext?.spanId).toBe(route?.spanContext().spanId);
    expect(childrenOf(renewal).map(({ kind }) => kind)).toContain(SpanKind.CLIENT);
    expect(await telemetry.metric('oidc.refreshes')).toStrictEqual([
      { attributes: { 'oidc.provider': 'default', 'oidc.outcome': 'success' }, value: 1 },
    ]);
  });

  it('says of a failure its kind, and that ours was no fault where the caller was refused', async () => {
    await postToken(app, { code: 'no-code', redirect_uri: 'http://127.0.0.1/callback' });

    const [span] = spansNamed('POST /auth/v2/token');
    expect(span?.status.code).toBe(SpanStatusCode.UNSET);
    expect(span?.attributes['http.response.status_code']).toBe(400);
    expect(span?.attributes['error.type']).toMatch(/^invalid_(grant|request)$/);
    expect(span?.events).toStrictEqual([]);
  });

  it('says that a call to the provider failed, with its status', async () => {
    const { refreshToken } = await brokerLogin(app);
    provider.behaviour.faults.token = answerWith({ status: 400, body: { error: 'invalid_grant' } });

    await refresh(app, refreshToken);

    const [renewal] = spansNamed('oidc session renewal');
    const [call] = childrenOf(renewal).filter(({ kind }) => kind === SpanKind.CLIENT);
    expect(call?.status.code).toBe(SpanStatusCode.ERROR);
    expect(call?.attributes).toMatchObject({
      'http.response.status_code': 400,
      'error.type': '400',
    });
    const times = await telemetry.metric('oidc.upstream.duration');
    expect(times.map(({ attributes }) => attributes)).toContainEqual({
      'http.request.method': 'POST',
      'http.response.status_code': 400,
      'server.address': '127.0.0.1',
      'error.type': '400',
    });
  });

  it('counts logins by grant, provider and outcome', async () => {
    await brokerLogin(app);
    provider.behaviour.faults.token = failWith(503);
    const reply = await postToken(app, handleForm(await openLogin(app)));
    expect(reply.status).toBe(503);

    const grant = { 'oidc.grant': 'authorization_code', 'oidc.provider': 'default' };
    expect(await telemetry.metric('oidc.logins')).toStrictEqual([
      { attributes: { ...grant, 'oidc.outcome': 'success' }, value: 1 },
      { attributes: { ...grant, 'oidc.outcome': 'temporarily_unavailable' }, value: 1 },
    ]);
    const events = await telemetry.metric('oidc.events');
    const login = { 'oidc.event': 'login', 'oidc.provider': 'default' };
    expect(events).toContainEqual({ attributes: login, value: 1 });
  });

  it('counts polls of a device login neither as logins nor as failures', async () => {
    const device = await request(`${app.url}/auth/v2/device`, { form: {} });
    const { device_code } = device.json();
    await postToken(app, { device_code: String(device_code) });

    expect(await telemetry.metric('oidc.logins')).toStrictEqual([]);
  });

  it('counts refusals by who refused, code and reason', async () => {
    await guarded(app, 'no-token');
    await postToken(app, {});

    const refusals = await telemetry.metric('oidc.refusals');
    expect(refusals.map(({ attributes }) => attributes)).toStrictEqual([
      expect.objectContaining({
        'oidc.refused_by': 'guard',
        'oidc.error': 'invalid_token',
        'http.response.status_code': 401,
      }),
      expect.objectContaining({
        'oidc.refused_by': 'route',
        'oidc.error': 'invalid_request',
        'http.response.status_code': 400,
      }),
    ]);
  });

  it('counts tokens that were remembered, verified and refused', async () => {
    const { accessToken } = await brokerLogin(app);
    const before = await verifications();

    await guarded(app, accessToken);
    await guarded(app, accessToken);
    await guarded(app, accessToken);
    await guarded(app, 'no-token');

    const now = await verifications();
    expect(now.map((value, at) => value - (before[at] ?? 0))).toStrictEqual([1, 2, 1]);
  });

  it('goes on counting for one application when another one is closed, twice', async () => {
    const other = await startBrokerApp({ provider });
    await other.app.close();
    await other.app.close();

    await guarded(app, 'no-token');

    expect(await verifications()).toStrictEqual([
      expect.any(Number),
      expect.any(Number),
      expect.any(Number),
    ]);
    expect((await verifications()).some(Number.isNaN)).toBe(false);
  });

  it('says how old the keys of each provider are', async () => {
    await brokerLogin(app);

    const [age, ...others] = await telemetry.metric('oidc.key_set.age');

    expect(others).toStrictEqual([]);
    expect(age?.attributes).toStrictEqual({ 'oidc.provider': 'default' });
    expect(age?.value).toBeGreaterThanOrEqual(0);
  });

  it('measures how long a refresh waits for that of another instance', async () => {
    const store = new WatchedStore();
    const [one, other] = await Promise.all([
      startBrokerApp({ provider, store }),
      startBrokerApp({ provider, store }),
    ]);
    try {
      const { refreshToken } = await brokerLogin(one);
      const asked = new Promise<() => void>((resolve) => {
        provider.behaviour.faults.token = async (exchange) => {
          await new Promise<void>((release) => resolve(release));
          await delay(0)(exchange);
        };
      });
      const first = refresh(one, refreshToken);
      const release = await asked;
      store.reads = 0;
      const second = refresh(other, refreshToken);
      await vi.waitUntil(() => store.reads >= 3, { timeout: 20_000 });
      release();
      expect([(await first).status, (await second).status]).toStrictEqual([200, 200]);

      const waits = await telemetry.metric('oidc.lease.wait.duration');
      expect(waits).toStrictEqual([
        { attributes: {}, value: expect.objectContaining({ count: 1 }) },
      ]);
    } finally {
      await Promise.all([one.close(), other.close()]);
    }
  });

  it('names no token, code, secret or person, and only attributes that are documented', async () => {
    const { accessToken, refreshToken } = await brokerLogin(app);
    await guarded(app, accessToken);
    await refresh(app, refreshToken);
    await refresh(app, `${refreshToken}x`);
    await guarded(app, `${accessToken}x`);

    const text = await telemetry.text();
    expect(secretsIn(text)).toStrictEqual([]);
    for (const personal of [alice.sub, alice.email]) expect(text).not.toContain(personal);
    for (const [name, { attributes }] of Object.entries(METRICS)) {
      const known: readonly string[] = attributes;
      for (const value of await telemetry.metric(name)) {
        for (const attribute of Object.keys(value.attributes)) expect(known).toContain(attribute);
      }
    }
  });
});
