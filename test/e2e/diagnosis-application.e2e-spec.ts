import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, request as forward } from 'node:http';

import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';

import type { Diagnosis } from '../../lib/index.js';
import { startApp, type AppOptions, type TestApp } from '../support/app.js';
import { startBrokerApp } from '../support/broker-app.js';
import { countingStore } from '../support/counting-store.js';
import { codesOf, diagnosed as diagnosedApp, started } from '../support/diagnosed.js';
import { freePort } from '../support/free-port.js';
import { portOf } from '../support/listening-port.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { capturedLogs } from '../support/output-capture.js';

let provider: MisbehavingProvider;

beforeEach(async () => {
  provider = await startMisbehavingProvider();
});

afterEach(() => provider.close());

const diagnosed = (options: AppOptions = {}): Promise<Diagnosis> =>
  diagnosedApp({ provider, ...options });

describe('what is wrong with broker mode', () => {
  const options = {
    scopes: 'profile email offline_access',
    authorizationParameters: { prompt: 'consent' },
  };

  it('store-unreachable', async () => {
    const counting = countingStore();
    const app = await started(startBrokerApp({ provider, options, store: counting.store }));
    counting.down = true;

    expect(codesOf(await app.service.diagnose())).toEqual(['store-unreachable']);
  });

  it('other-encryption-keys: signing keys of a database that was moved', async () => {
    const { store } = countingStore();
    const first = await startBrokerApp({ provider, options, store });
    await first.service.jwks();
    await first.close();
    const encryptionKeys = ['another-encryption-key-of-32-characters'];
    const app = await started(
      startBrokerApp({ provider, store, options: { ...options, encryptionKeys } }),
    );

    expect(codesOf(await app.service.diagnose())).toEqual(['other-encryption-keys']);
  });

  it('peer-unreachable', async () => {
    const trustedIssuers = [`http://127.0.0.1:${await freePort()}`];
    const app = await started(startBrokerApp({ provider, options, broker: { trustedIssuers } }));

    expect(codesOf(await app.service.diagnose())).toEqual(['peer-unreachable']);
  });
});

/** A proxy before the application; `publicUrl` is its address. */
async function behindProxy(
  change: (headers: IncomingHttpHeaders) => IncomingHttpHeaders,
  redirect?: (url: string) => string,
): Promise<Diagnosis> {
  let target = '';
  const proxy = createServer((incoming, answer) => {
    const { url = '', method, headers } = incoming;
    if (redirect !== undefined) {
      answer.writeHead(301, { location: redirect(url) }).end();
      return;
    }
    const sent = change({ ...headers });
    const onward = forward(target + url, { method, headers: sent }, (reply) => {
      answer.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(answer);
    });
    incoming.pipe(onward);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  onTestFinished(async () => {
    proxy.closeAllConnections();
    proxy.close();
  });
  const publicUrl = `http://127.0.0.1:${portOf(proxy)}`;
  const app = await started(startApp({ provider, options: { publicUrl } }));
  target = app.url;
  return app.service.diagnose();
}

describe('what is wrong with the way to the application', () => {
  it('nothing, through a proxy that keeps what came', async () => {
    expect(codesOf(await behindProxy((headers) => headers))).toEqual([]);
  });

  it('authorization-eaten', async () => {
    const diagnosis = await behindProxy(({ authorization: _eaten, ...headers }) => headers);

    expect(codesOf(diagnosis)).toEqual(['authorization-eaten']);
  });

  it('cookies-eaten', async () => {
    expect(codesOf(await behindProxy(({ cookie: _eaten, ...headers }) => headers))).toEqual([
      'cookies-eaten',
    ]);
  });

  it('host-rewritten, which is a warning', async () => {
    const diagnosis = await behindProxy((headers) => ({ ...headers, host: 'inner:3000' }));

    expect(diagnosis).toMatchObject({ ok: true, findings: [{ code: 'host-rewritten' }] });
  });

  it('protocol-mixed: an http publicUrl where browsers use https', async () => {
    const diagnosis = await behindProxy((headers) => ({
      ...headers,
      'x-forwarded-proto': 'https',
    }));

    expect(codesOf(diagnosis)).toEqual(['protocol-mixed']);
  });

  it.each([
    ['protocol-mixed', 'https', (url: string) => `https://127.0.0.1${url}`],
    ['public-url-redirects', 'another host', (url: string) => `https://www.example.org${url}`],
    ['public-url-elsewhere', 'a login of its own', () => '/oauth2/sign_in'],
  ] as const)('%s: redirects to %s', async (code, _where, redirect) => {
    expect(codesOf(await behindProxy((headers) => headers, redirect))).toEqual([code]);
  });

  it('public-url-unreachable, which is a warning', async () => {
    const publicUrl = `http://127.0.0.1:${await freePort()}`;

    const diagnosis = await diagnosed({ options: { publicUrl } });

    expect(diagnosis).toMatchObject({ ok: true, findings: [{ code: 'public-url-unreachable' }] });
  });
});

/** The exit code with which the application ended instead of serving, and what it had printed. */
async function doctorRun(start: () => Promise<TestApp>): Promise<[number, string]> {
  const exit = vi.spyOn(process, 'exit').mockImplementation((code) => {
    throw new Error(`exit ${String(code)}`);
  });
  vi.stubEnv('OIDC_DOCTOR', '1');
  onTestFinished(() => {
    exit.mockRestore();
    vi.unstubAllEnvs();
  });
  const before = capturedLogs().length;
  await expect(start()).rejects.toThrow(/^exit [01]$/);
  return [Number(exit.mock.calls[0]?.[0]), capturedLogs().slice(before).join('\n')];
}

describe('OIDC_DOCTOR=1', () => {
  it('prints the diagnosis, and exits with 0 where all is well', async () => {
    const publicUrl = `http://127.0.0.1:${await freePort()}`;

    const [exitCode, text] = await doctorRun(() => startApp({ provider, options: { publicUrl } }));

    expect(exitCode).toBe(0);
    expect(text).toContain('0 errors, 0 warnings');
    expect(text).toContain('the way through a proxy was not looked at');
  });

  it('makes no key, and removes nothing', async () => {
    const counting = countingStore();
    const publicUrl = `http://127.0.0.1:${await freePort()}`;

    await doctorRun(() =>
      startBrokerApp({ provider, options: { publicUrl }, store: counting.store }),
    );

    expect(counting.count('listSigningKeys')).toBeGreaterThan(0);
    expect(new Set(counting.calls)).not.toContain('insertSigningKey');
    expect(new Set(counting.calls)).not.toContain('purgeExpired');
  });

  it('exits with 1 where something cannot work, a store that stops start-up included', async () => {
    const { store } = countingStore();
    const broken = Object.assign(store, {
      open: () => Promise.reject(new Error('ECONNREFUSED')),
    });
    const publicUrl = `http://127.0.0.1:${await freePort()}`;
    const options = { clientSecret: 'another-secret-of-32-characters-here', publicUrl };

    const [exitCode, text] = await doctorRun(() =>
      startBrokerApp({ provider, options, store: broken }),
    );

    expect(exitCode).toBe(1);
    expect(text).toContain('error wrong-secret: provider default:');
    expect(text).toContain('error store-unreachable: store:');
  });
});
