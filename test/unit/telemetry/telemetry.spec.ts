import { afterEach, expect, it, vi } from 'vitest';

import { count, findOpenTelemetry, observe, traced } from '../../../lib/telemetry/telemetry.js';

const loaded = vi.hoisted(() => vi.fn());

vi.mock('@opentelemetry/api', async (original) => {
  loaded();
  return { ...(await original<object>()) };
});

/** Where OpenTelemetry's API keeps what was registered. */
const REGISTRY = Symbol.for('opentelemetry.js.api.1');

const createObserved = () => ({ addCallback: () => undefined });

afterEach(() => {
  Reflect.deleteProperty(globalThis, REGISTRY);
});

it('leaves OpenTelemetry alone until somebody has registered with it, and misses nothing from then on', async () => {
  const add = vi.fn();
  const createCounter = () => ({ add });
  const meter = {
    createCounter,
    createObservableCounter: createObserved,
    createObservableGauge: createObserved,
  };
  const end = observe('oidc.verifications', () => []);
  await findOpenTelemetry();
  count('oidc.refusals', { 'oidc.reason': 'before' });
  expect(await traced('before', {}, async () => 'done')).toBe('done');
  const loadedBefore = loaded.mock.calls.length;

  Reflect.set(globalThis, REGISTRY, { version: '1.9.0', metrics: { getMeter: () => meter } });
  count('oidc.refusals', { 'oidc.reason': 'after' });

  await vi.waitFor(() => expect(add).toHaveBeenCalledTimes(1));
  expect(add).toHaveBeenCalledWith(1, { 'oidc.reason': 'after' });
  expect(loadedBefore).toBe(0);
  end();
});
