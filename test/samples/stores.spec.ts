import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { freshDatabase } from '../store/fresh-database.js';
import { required } from '../store/required.js';
import { sqliteMissing } from '../store/sqlite-driver.js';
import { request } from '../support/http-request.js';
import { type TestProvider, startProvider } from '../support/provider.js';
import { UserAgent } from '../support/user-agent.js';
import { SampleProcess } from './sample-process.js';

interface Case {
  readonly sample: string;
  readonly database: string;
  readonly missing: string | undefined;
  /** Gives the settings for a database of its own, and how to remove it. */
  readonly open: () => Promise<{ settings: Record<string, string>; drop: () => Promise<void> }>;
}

const { OIDC_TEST_POSTGRES_URL: postgres, OIDC_TEST_MONGODB_URL: mongodb } = process.env;
const unset = (variable: string, value: string | undefined): string | undefined =>
  value === undefined ? `${variable} is not set` : undefined;

const cases: readonly Case[] = [
  {
    sample: 'typeorm',
    database: 'SQLite',
    missing: required('the sample on SQLite', sqliteMissing()),
    open: async () => {
      const folder = await mkdtemp(join(tmpdir(), 'oidc-sample-'));
      const settings = { DATABASE_URL: join(folder, 'notes.db') };
      return { settings, drop: () => rm(folder, { recursive: true }) };
    },
  },
  {
    sample: 'typeorm',
    database: 'PostgreSQL',
    missing: required('the sample on PostgreSQL', unset('OIDC_TEST_POSTGRES_URL', postgres)),
    open: async () => {
      const database = await freshDatabase(postgres ?? '');
      return { settings: { DATABASE_URL: database.url }, drop: () => database.drop() };
    },
  },
  {
    sample: 'mongoose',
    database: 'MongoDB',
    missing: required('the sample on MongoDB', unset('OIDC_TEST_MONGODB_URL', mongodb)),
    open: async () => {
      const url = new URL(mongodb ?? '');
      url.pathname = `/oidc_sample_${randomBytes(6).toString('hex')}`;
      return { settings: { MONGODB_URL: url.href }, drop: async () => undefined };
    },
  },
];

describe.each(cases)('the $sample sample on $database', ({ sample, missing, open }) => {
  let provider: TestProvider;
  let app: SampleProcess;
  let drop: () => Promise<void>;

  beforeAll(async () => {
    if (missing) return;
    provider = await startProvider();
    const database = await open();
    drop = database.drop;
    app = await SampleProcess.build(sample, {
      ...database.settings,
      DISCOVERY_URL: provider.discoveryUrl,
      OIDC_CLIENT_SECRET: provider.clientSecret,
    });
    if (sample === 'typeorm') await app.script('migrate');
    await app.start();
  });

  afterAll(async () => {
    if (missing) return;
    await app.stop();
    await provider.close();
    await drop();
  });

  it.skipIf(missing)(
    'logs a user in, keeps rows beside the sessions, and a session over a restart',
    async () => {
      const callback = encodeURIComponent(`${app.url}/api/auth/v2/callback`);
      const start = `${app.url}/api/auth/v2/login?offline_access=true&prompt=consent&redirect_uri=${callback}`;
      const agent = new UserAgent();
      const tokens = (await agent.get(await agent.loginAt(provider, start, 'alice'))).json();
      const bearer = String(tokens['access_token']);

      await request(`${app.url}/api/notes`, { bearer, form: { text: 'first' } });
      await app.stop();
      await app.start();
      const refreshed = await request(`${app.url}/api/auth/v2/token`, {
        form: { refresh_token: String(tokens['refresh_token']) },
      });
      const notes = await request(`${app.url}/api/notes`, {
        bearer: String(refreshed.json()['access_token']),
      });

      expect(refreshed.status).toBe(200);
      expect(notes.text()).toBe('["first"]');
      expect((await request(`${app.url}/api/notes`, { bearer })).status).toBe(200); // the key outlived the restart
      expect((await request(`${app.url}/api/notes`)).status).toBe(401);
    },
  );
});
