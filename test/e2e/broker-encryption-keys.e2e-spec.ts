import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { OidcConfigError } from '../../lib/index.js';
import { type TestApp } from '../support/app.js';
import { BROKER_ENCRYPTION_KEY, startBrokerApp } from '../support/broker-app.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';

describe('encryption keys at the start of broker mode', () => {
  let folder: string;
  let provider: MisbehavingProvider;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'oidc-broker-'));
    provider = await startMisbehavingProvider();
  });

  afterAll(async () => {
    await provider.close();
    await rm(folder, { recursive: true });
  });

  const start = (
    store: string,
    options: { clientSecret?: string | undefined; encryptionKeys?: string[] | undefined },
  ): Promise<TestApp> =>
    startBrokerApp({
      provider,
      options: { encryptionKeys: undefined, ...options },
      broker: { store, signingAlgorithm: 'ES256' },
    });

  it.each([
    ['no secret at all', undefined, 'no "clientSecret"'],
    [
      'a client secret of 31 characters',
      'Bq7mK2xWc9Lr4TzPn8VyHd3JsFg6QeA',
      'fewer than 32 characters',
    ],
    ['a client secret of one letter', 'x'.repeat(64), 'repeats itself'],
    ['a client secret of one word', 'changeme-'.repeat(8), 'repeats itself'],
  ])('KM-5: stop it with a lasting store and %s', async (_what, clientSecret, reason) => {
    const started = start(`sqlite://${folder}/none.db`, { clientSecret });

    await expect(started).rejects.toThrow(OidcConfigError);
    await expect(started).rejects.toThrow(
      new RegExp(`"encryptionKeys" is missing, and .*${reason}`),
    );
  });

  it('KM-5: that come of the client secret warn with a lasting store', async () => {
    const app = await start(`sqlite://${folder}/warned.db`, {});
    await app.close();

    expect(app.logs().join('\n')).toMatch(/derived from "clientSecret".*"encryptionKeys"/);
  });

  it('KM-5: of their own warn of nothing', async () => {
    const app = await start(`sqlite://${folder}/keys.db`, {
      encryptionKeys: [BROKER_ENCRYPTION_KEY],
    });
    await app.close();

    const warnings = app.logs().filter((line) => line.includes('WARN'));
    // One handler of the tests demands a claim of the provider's.
    expect(warnings.filter((line) => !line.includes('GuardedRoutes.gold'))).toEqual([]);
  });

  it('KM-5: may be missing where nothing outlives the process', async () => {
    const app = await start('memory://', { clientSecret: undefined });
    await app.close();

    expect(app.logs().join('\n')).toContain('"encryptionKeys"');
  });
});
