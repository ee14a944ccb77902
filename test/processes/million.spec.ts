import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { freshDatabase } from '../store/fresh-database.js';
import {
  type MisbehavingProvider,
  startMisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';
import { InstanceProcess } from './support/instance-process.js';

// Takes a minute, so it runs on demand: OIDC_TEST_MILLION=1 npm run test:stores -- test/processes/million.spec.ts
// What it measured is then in oidc-million.json in the temporary folder.
const server = process.env['OIDC_TEST_POSTGRES_URL'];
const wanted = process.env['OIDC_TEST_MILLION'] === '1' && server !== undefined;
const REFRESHES = 200;

const ROWS = `
  INSERT INTO oidc_session (id, login_hash, provider, subject_hash, provider_subject_hash, created_at, used_at, ends_at,
    expires_at, generation, refresh_hash, replaced, sealed)
  SELECT md5('id' || n), md5('a' || n) || md5('b' || n), 'default', md5('s' || n % 100000) || md5('t'),
    md5('p' || n % 100000) || md5('q'), 1900000000000, 1900000000000, 4102444800000, 4102444800000 - n, 3,
    md5('r' || n) || md5('h'), '[]', repeat(md5('x' || n), 100)
  FROM generate_series(1, 1000000) n`;

function percentile(sorted: readonly number[], part: number): number {
  return Math.round((sorted[Math.floor(sorted.length * part)] ?? Number.NaN) * 10) / 10;
}

describe.skipIf(!wanted)('a refresh beside a million sessions', () => {
  let provider: MisbehavingProvider;
  let instance: InstanceProcess;
  let remove: () => Promise<void>;
  let source: DataSource;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    const database = await freshDatabase(server ?? '');
    remove = database.drop;
    instance = await InstanceProcess.start({
      storeUrl: database.url,
      discoveryUrl: provider.discoveryUrl,
      clientSecret: provider.clientSecret,
    });
    source = await new DataSource({ type: 'postgres', url: database.url }).initialize();
  }, 600_000);

  afterAll(async () => {
    await source.destroy();
    await instance.stop();
    await provider.close();
    await remove();
  });

  async function measured(): Promise<{ p50: number; p95: number }> {
    const login = await postToken(instance, handleForm(await openLogin(instance)));
    let token = String(login.json()['refresh_token']);
    const times: number[] = [];
    for (let at = 0; at < REFRESHES; at += 1) {
      const began = performance.now();
      const reply = await postToken(instance, { refresh_token: token });
      times.push(performance.now() - began);
      expect(reply.status).toBe(200);
      token = String(reply.json()['refresh_token']);
    }
    const sorted = times.toSorted((one, other) => one - other);
    return { p50: percentile(sorted, 0.5), p95: percentile(sorted, 0.95) };
  }

  it('takes hardly longer than beside none', { timeout: 600_000 }, async () => {
    await measured(); // warm
    const alone = await measured();
    await source.query(ROWS);
    await source.query('ANALYZE');
    const crowded = await measured();

    const report = JSON.stringify({ unit: 'ms', alone, crowded });
    await writeFile(join(tmpdir(), 'oidc-million.json'), report);
    expect(crowded.p50).toBeLessThan(alone.p50 * 2 + 5);
  });
});
