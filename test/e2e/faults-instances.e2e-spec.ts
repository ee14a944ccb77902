import { describe, expect, it, onTestFinished } from 'vitest';

import {
  adapters,
  flowAdapters,
  startApp,
  type AdapterName,
  type AppOptions,
  type TestApp,
} from '../support/app.js';
import { registerSecret } from '../support/canary-secrets.js';
import { type Reply } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';
import { expectRefusal } from '../support/refusal.js';
import { UserAgent } from '../support/user-agent.js';

const PUBLIC_URL = 'https://app.example.org';
const CALLBACK = `${PUBLIC_URL}/auth/v2/callback`;
const KEYS = ['first-encryption-key-of-32-characters', 'other-encryption-key-of-32-characters'];

/** A browser that reaches one instance or another under the same public address. */
class BalancedAgent extends UserAgent {
  readonly #servers: Record<string, string>;

  constructor() {
    const servers: Record<string, string> = {};
    super(undefined, servers);
    this.#servers = servers;
  }

  /** From now on the load balancer leads here. */
  reaches(app: TestApp): void {
    this.#servers[PUBLIC_URL] = app.url;
  }

  /** Begins a login at our own callback and lets the provider finish its part. */
  async beginLogin(): Promise<string> {
    const url = `${PUBLIC_URL}/auth/v2/login?redirect_uri=${encodeURIComponent(CALLBACK)}`;
    const { location } = await this.get(url, { follow: false });
    const { location: back } = await this.get(location ?? '', { follow: false });
    return back?.href ?? '';
  }
}

/** Begins a login at one instance and comes back to another. */
const finishElsewhere = async (a: TestApp, b: TestApp): Promise<Reply> => {
  const agent = new BalancedAgent();
  agent.reaches(a);
  const back = await agent.beginLogin();
  agent.reaches(b);
  return agent.get(back);
};

const pairs = flowAdapters.flatMap((ofA) =>
  adapters.map((ofB): [AdapterName, AdapterName] => [ofA, ofB]),
);

describe.each(pairs)(
  'a login begun on %s and finished on another instance on %s',
  (adapterOfA, adapterOfB) => {
    const start = async (
      ofA: AppOptions['options'] = {},
      ofB: AppOptions['options'] = ofA,
    ): Promise<{ provider: MisbehavingProvider; a: TestApp; b: TestApp }> => {
      const provider = await startMisbehavingProvider();
      const options = { publicUrl: PUBLIC_URL };
      const a = await startApp({ adapter: adapterOfA, provider, options: { ...options, ...ofA } });
      const b = await startApp({ adapter: adapterOfB, provider, options: { ...options, ...ofB } });
      onTestFinished(async () => {
        await Promise.all([a.close(), b.close()]);
        await provider.close();
      });
      return { provider, a, b };
    };

    it('fault 17: works at our own callback with the same client secret', async () => {
      const { a, b } = await start();

      const reply = await finishElsewhere(a, b);

      expect(reply.status).toBe(200);
      expect(reply.json()).toHaveProperty('access_token');
    });

    it('fault 17: works with a handle on the token route', async () => {
      const { a, b } = await start();

      expect((await postToken(b, handleForm(await openLogin(a)))).status).toBe(200);
    });

    it('fault 17: works after the first instance was killed', async () => {
      const { a, b } = await start();
      const login = await openLogin(a);
      await a.close();

      expect((await postToken(b, handleForm(login))).status).toBe(200);
    });

    it('fault 17: works while a new encryption key is rolled out', async () => {
      const [old = '', next = ''] = KEYS;
      for (const key of KEYS) registerSecret(key, 'encryption key');
      const { a, b } = await start({ encryptionKeys: [old] }, { encryptionKeys: [next, old] });

      expect((await finishElsewhere(a, b)).status).toBe(200);
      expectRefusal(await finishElsewhere(b, a), 400, 'invalid_request');
    });

    it('fault 17: costs one new login when the instances share no key', async () => {
      const ofA = { clientSecret: undefined };
      const { provider, a, b } = await start(ofA, ofA);
      provider.behaviour.checkClient = false;

      const refused = await finishElsewhere(a, b);
      const agent = new BalancedAgent();
      agent.reaches(b);
      const again = await agent.get(await agent.beginLogin());

      expectRefusal(refused, 400, 'invalid_request');
      expect(again.status).toBe(200);
      for (const app of [a, b]) {
        expect(app.logs().join('\n')).toMatch(/WARN \[OidcAuth\] .*"encryptionKeys"/);
      }
    });

    it('fault 17: happens once, because the provider takes the code once', async () => {
      const { provider, a, b } = await start();
      const login = await openLogin(a);

      const replies = await Promise.all([a, b].map((app) => postToken(app, handleForm(login))));

      expect(replies.map(({ status }) => String(status)).toSorted()).toEqual(['200', '400']);
      expect(provider.requestsTo('token').length).toBeLessThanOrEqual(2);
    });
  },
);

describe.each(flowAdapters)('an interrupted login on %s', (adapter) => {
  it('fault 17: leaves nothing behind that stops the next one', async () => {
    const provider = await startMisbehavingProvider();
    const app = await startApp({ adapter, provider, options: { publicUrl: PUBLIC_URL } });
    onTestFinished(async () => {
      await app.close();
      await provider.close();
    });
    const agent = new BalancedAgent();
    agent.reaches(app);
    for (let at = 0; at < 7; at += 1) await agent.beginLogin(); // the person gave up each time

    const reply = await agent.get(await agent.beginLogin());

    expect(reply.status).toBe(200);
    expect(Object.keys(agent.cookies(PUBLIC_URL)).length).toBeLessThanOrEqual(4);
  });
});
