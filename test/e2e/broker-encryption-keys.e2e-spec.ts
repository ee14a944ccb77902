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
    ['no secret at all', undefined],
    ['a client secret of 31 characters', 'x'.repeat(31)],
  ])('KM-5: stop it with a lasting store and %s', async (_what, clientSecret) => {
    const started = start(`sqlite://${folder}/none.db`, { clientSecret });

    await expect(started).rejects.toThrow(OidcConfigError);
    await expect(started).rejects.toThrow(/"encryptionKeys" is missing/);
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

    expect(app.logs().filter((line) => line.includes('WARN'))).toEqual([]);
  });

  it('KM-5: may be missing where nothing outlives the process', async () => {
    const app = await start('memory://', { clientSecret: undefined });
    await app.close();

    expect(app.logs().join('\n')).toContain('"encryptionKeys"');
  });
});
