import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { metrics } from '@opentelemetry/api';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { OidcEvents } from '../../lib/index.js';
import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
import type { TestApp } from '../support/app.js';
import { brokerLogin, guarded, refresh, startBrokerApp } from '../support/broker-app.js';
import { answerWith, delay } from '../support/faults.js';
import { freePort } from '../support/free-port.js';
import {
  type MisbehavingProvider,
  startMisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { postToken } from '../support/open-login.js';
import { required } from '../store/required.js';
import { type Prometheus, missingPrometheus, startPrometheus } from './support/prometheus.js';

interface Dashboard {
  readonly panels: readonly {
    readonly title: string;
    readonly targets: readonly { readonly expr: string }[];
  }[];
}

const file = join(import.meta.dirname, '../../docs/grafana-dashboard.json');
const { panels }: Dashboard = JSON.parse(readFileSync(file, 'utf8'));
const queries = panels.flatMap(({ title, targets }) =>
  targets.map(({ expr }): [string, string] => [title, expr]),
);

const skipped = required('The dashboard', missingPrometheus());

describe.skipIf(skipped)(`The dashboard for Grafana${skipped ? ` (${skipped})` : ''}`, () => {
  let provider: MisbehavingProvider;
  const apps: TestApp[] = [];
  let meterProvider: MeterProvider;
  let prometheus: Prometheus;
  let traffic: Promise<void>;
  const end = new AbortController();

  beforeAll(async () => {
    const port = await freePort();
    const exporter = new PrometheusExporter({ host: '127.0.0.1', port });
    meterProvider = new MeterProvider({ readers: [exporter] });
    metrics.setGlobalMeterProvider(meterProvider);
    prometheus = await startPrometheus(`127.0.0.1:${port}`);
    provider = await startMisbehavingProvider();
    const store = new MemoryBrokerStore();
    for (let at = 0; at < 2; at += 1) apps.push(await startBrokerApp({ provider, store }));
    traffic = keepBusy();
  });

  afterAll(async () => {
    end.abort();
    await traffic;
    await Promise.all(apps.map((app) => app.close()));
    await provider.close();
    await prometheus.stop();
    metrics.disable();
    await meterProvider.shutdown();
  });

  /** Something for each panel, again and again: rates are between two looks. */
  async function keepBusy(): Promise<void> {
    const [one, other] = apps;
    if (one === undefined || other === undefined) throw new Error('two instances are needed');
    while (!end.signal.aborted) {
      const { accessToken, refreshToken } = await brokerLogin(one);
      await guarded(one, accessToken);
      await guarded(one, accessToken);
      await guarded(one, 'no-token');
      provider.behaviour.faults.token = delay(100);
      await Promise.all([refresh(one, refreshToken), refresh(other, refreshToken)]);
      provider.behaviour.faults.token = answerWith({
        status: 400,
        body: { error: 'invalid_grant' },
      });
      await refresh(one, (await loginDespite(one)).refreshToken);
      await postToken(one, { code: 'unknown' });
      const events = one.app.get(OidcEvents, { strict: false });
      events.emit('store-failed', { provider: 'default', reason: 'a test' });
      provider.resetBehaviour();
    }
  }

  async function loginDespite(app: TestApp) {
    const { token } = provider.behaviour.faults;
    provider.resetBehaviour();
    const login = await brokerLogin(app);
    if (token !== undefined) provider.behaviour.faults.token = token;
    return login;
  }

  it.each(queries)('asks for what is exported: %s (%s)', async (_, query) => {
    const found = async () => (await prometheus.query(query)).length > 0;

    expect(await vi.waitUntil(found, { timeout: 50_000, interval: 500 })).toBe(true);
  });
});
