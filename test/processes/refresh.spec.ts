import { execFile } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { registerSecret, secretsIn } from '../support/canary-secrets.js';
import { hang } from '../support/faults.js';
import { type Reply, request } from '../support/http-request.js';
import {
  type MisbehavingProvider,
  startMisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';
import { type SharedDatabase, databaseKinds } from './databases.js';
import { InstanceProcess, type InstanceSettings } from './support/instance-process.js';

const SHORT_TIMEOUT_MS = 1000;
/** `timeoutMs` and 5 s, and a little. */
const LEASE_OVER_MS = SHORT_TIMEOUT_MS + 5500;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function tokensOf(reply: Reply): Record<string, string> {
  const tokens = { access: '', refresh: '' };
  const body = reply.json();
  tokens.access = String(body['access_token']);
  tokens.refresh = String(body['refresh_token']);
  registerSecret(tokens.access, 'minted access token');
  registerSecret(tokens.refresh, 'refresh token of ours');
  return tokens;
}

const refresh = (instance: InstanceProcess, refresh_token = ''): Promise<Reply> =>
  postToken(instance, { refresh_token });

async function logIn(instance: InstanceProcess): Promise<Record<string, string>> {
  const reply = await postToken(instance, handleForm(await openLogin(instance)));
  expect(reply.status).toBe(200);
  return tokensOf(reply);
}

beforeAll(async () => {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  await promisify(execFile)('npm', ['run', 'build'], { cwd: root });
});

describe.each(databaseKinds)('processes on $name', ({ missing, make }) => {
  let provider: MisbehavingProvider;
  let database: SharedDatabase;
  let instances: InstanceProcess[];

  beforeEach(async () => {
    if (missing) return;
    provider = await startMisbehavingProvider();
    database = await make();
    instances = [];
  });

  afterEach(async () => {
    if (missing) return;
    await Promise.all(instances.map((instance) => instance.stop()));
    await provider.close();
    await database.remove();
  });

  async function start(settings: Partial<InstanceSettings> = {}): Promise<InstanceProcess> {
    const { discoveryUrl, clientSecret } = provider;
    const given = { storeUrl: database.url, discoveryUrl, clientSecret, ...settings };
    const instance = await InstanceProcess.start(given);
    instances.push(instance);
    return instance;
  }

  const refreshCalls = (): number =>
    provider.requestsTo('token').filter(({ body }) => body['grant_type'] === 'refresh_token')
      .length;

  it.skipIf(missing)(
    'RF-4: three of them, ten refreshes each: one call, one next token, and everybody can go on',
    async () => {
      const fleet = await Promise.all([start(), start(), start()]);
      const [first, second, third] = fleet;
      if (!first || !second || !third) throw new Error('Three were started');
      const { refresh: token } = await logIn(first);

      const replies = await Promise.all(
        Array.from({ length: 30 }, (_, at) => refresh(fleet[at % 3] ?? first, token)),
      );

      expect(replies.map(({ status }) => status)).toEqual(Array.from({ length: 30 }, () => 200));
      const tokens = replies.map(tokensOf);
      expect(new Set(tokens.map((one) => one['refresh'])).size).toBe(1);
      expect(refreshCalls()).toBe(1);
      const guarded = await Promise.all(
        tokens.map(({ access = '' }, at) =>
          request(`${(fleet[(at + 1) % 3] ?? first).url}/me`, { bearer: access }),
        ),
      );
      expect(guarded.every(({ status }) => status === 200)).toBe(true);
      const next = await refresh(third, tokens[0]?.['refresh']);
      expect(next.status).toBe(200);
      expect(refreshCalls()).toBe(2);
    },
  );

  it.skipIf(missing)('KM-1: five first starts make one key and publish one key set', async () => {
    const fleet = await Promise.all(Array.from({ length: 5 }, () => start()));

    const sets = await Promise.all(
      fleet.map(({ url }) => request(`${url}/auth/v2/.well-known/jwks.json`)),
    );

    const [first] = sets;
    expect(first?.json()['keys']).toHaveLength(1);
    expect(new Set(sets.map((reply) => reply.text())).size).toBe(1);
  });

  it.skipIf(missing)('LO-2: a logout at one reaches the guard of the other', async () => {
    const [one, other] = await Promise.all([start(), start()]);
    const { access = '', refresh: token } = await logIn(one);
    expect((await request(`${other.url}/me`, { bearer: access })).status).toBe(200);

    await request(`${one.url}/auth/v2/logout`, { bearer: access });

    expect((await request(`${one.url}/me`, { bearer: access })).status).toBe(401);
    await pause(3000); // it pulls every second here
    expect((await request(`${other.url}/me`, { bearer: access })).status).toBe(401);
    expect((await refresh(other, token)).json()['error']).toBe('invalid_grant');
  });

  it.skipIf(missing)(
    'fault 14: killed while the provider has done nothing yet, the same token works when the lease is over',
    async () => {
      const [doomed, other] = await Promise.all([start(), start({ timeoutMs: SHORT_TIMEOUT_MS })]);
      const short = await start({ timeoutMs: SHORT_TIMEOUT_MS });
      const { refresh: token } = await logIn(doomed);
      provider.behaviour.faults.token = hang({ work: false });

      const interrupted = refresh(short, token).catch(() => 'killed');
      while (refreshCalls() === 0) await pause(20);
      await short.kill();
      delete provider.behaviour.faults.token;

      expect(await interrupted).toBe('killed');
      const waiting = await refresh(other, token);
      expect(waiting.status).toBe(503);
      await pause(LEASE_OVER_MS);
      expect((await refresh(other, token)).status).toBe(200);
    },
  );

  it.skipIf(missing).each([
    ['rotates: the session ends', true, 400],
    ['does not rotate: the same token works', false, 200],
  ])(
    'fault 15: killed after the provider did its work and before the commit, where it %s',
    async (_, rotates, status) => {
      provider.behaviour.rotateRefreshTokens = rotates;
      const doomed = await start({ timeoutMs: SHORT_TIMEOUT_MS });
      const other = await start({ timeoutMs: SHORT_TIMEOUT_MS });
      const { access = '', refresh: token } = await logIn(doomed);
      provider.behaviour.faults.token = hang({ work: true });

      const interrupted = refresh(doomed, token).catch(() => 'killed');
      while (refreshCalls() === 0) await pause(20);
      await doomed.kill();
      delete provider.behaviour.faults.token;

      expect(await interrupted).toBe('killed');
      await pause(LEASE_OVER_MS);
      const reply = await refresh(other, token);
      expect(reply.status).toBe(status);
      if (status === 400) expect(reply.json()['error']).toBe('invalid_grant');
      expect((await request(`${other.url}/me`, { bearer: access })).status).toBe(
        status === 400 ? 401 : 200,
      );
    },
  );

  it.skipIf(missing)(
    'fault 16: killed after the commit and before the answer, the same successor comes',
    async () => {
      const doomed = await start({ holdAfterCommit: true });
      const other = await start();
      const { refresh: token } = await logIn(doomed);
      const committed = doomed.told('committed');

      const interrupted = refresh(doomed, token).catch(() => 'killed');
      await committed;
      await doomed.kill();

      expect(await interrupted).toBe('killed');
      const [one, two] = [await refresh(other, token), await refresh(other, token)];
      expect([one.status, two.status]).toEqual([200, 200]);
      expect(tokensOf(one)['refresh']).toBe(tokensOf(two)['refresh']);
      expect(refreshCalls()).toBe(1);
      expect((await refresh(other, tokensOf(one)['refresh'])).status).toBe(200);
    },
  );

  it.skipIf(missing)(
    'fault 18: frozen for longer than its lease, its late result is thrown away',
    async () => {
      provider.behaviour.rotateRefreshTokens = false;
      const frozen = await start({ timeoutMs: SHORT_TIMEOUT_MS });
      const other = await start({ timeoutMs: SHORT_TIMEOUT_MS });
      const { refresh: token } = await logIn(frozen);
      const gate = new EventEmitter();
      const held = once(gate, 'open');
      provider.behaviour.token = async (_, usual) => {
        await held;
        return usual();
      };

      const late = refresh(frozen, token);
      while (refreshCalls() === 0) await pause(20);
      frozen.child.kill('SIGSTOP');
      gate.emit('open');
      delete provider.behaviour.token;
      await pause(LEASE_OVER_MS);
      const meanwhile = tokensOf(await refresh(other, token));
      frozen.child.kill('SIGCONT');
      const reply = await late;

      // Late, it finds that another instance went on: the same successor, or nothing at all.
      if (reply.status === 200) expect(tokensOf(reply)['refresh']).toBe(meanwhile['refresh']);
      else expect(reply.status).toBe(503);
      expect((await refresh(frozen, meanwhile['refresh'])).status).toBe(200);
    },
  );

  it.skipIf(missing)('ST-1: a dump holds no token, no secret, no key and no name', async () => {
    const instance = await start();
    const { refresh: token } = await logIn(instance);
    const { refresh: next } = tokensOf(await refresh(instance, token));
    const { user } = provider.behaviour;

    const dump = await database.dump();

    expect(dump.length).toBeGreaterThan(1000);
    expect(secretsIn(dump)).toEqual([]); // the provider's tokens, codes and secrets are canaries
    for (const value of [token, next, user.sub, user.email, 'BEGIN', '"d":', 'encryption-key']) {
      expect(dump).not.toContain(value);
    }
    expect(instance.output).toBe('');
  });
});
