import { Controller, type MessageEvent, Sse } from '@nestjs/common';
import { NEVER, type Observable, finalize, merge, of } from 'rxjs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { LiveCalls } from '../../lib/guard/live-calls.js';
import { Auth, Public } from '../../lib/index.js';
import { adapters, startApp, type TestApp } from '../support/app.js';
import { brokerLogin, startBrokerApp } from '../support/broker-app.js';
import { Browser, SESSION_COOKIE, startBrowserApp } from '../support/browser-sessions.js';
import { FakeClock } from '../support/fake-clock.js';
import {
  type MisbehavingProvider,
  startMisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { alice } from '../support/users.js';

/** Streams whose source was told that nobody listens any more. */
let ended = 0;

@Controller()
class Streams {
  static condition = (): boolean => true;

  @Sse('stream')
  @Auth()
  stream(): Observable<MessageEvent> {
    return merge(of({ data: 'first' }), NEVER).pipe(finalize(() => (ended += 1)));
  }

  @Sse('editors')
  @Auth({ roles: 'editor' })
  editors(): Observable<MessageEvent> {
    return this.stream();
  }

  @Sse('conditional')
  @Auth({ when: () => Streams.condition() })
  conditional(): Observable<MessageEvent> {
    return this.stream();
  }

  @Sse('open')
  @Public()
  open(): Observable<MessageEvent> {
    return of({ data: 'first' });
  }
}

async function listen(app: TestApp, path: string, bearer?: string): Promise<Response> {
  const headers = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
  return fetch(`${app.url}/${path}`, { headers });
}

const sweep = (app: TestApp): Promise<void> => app.app.get(LiveCalls, { strict: false }).sweep();

describe.each(adapters)('server-sent events on %s', (adapter) => {
  let provider: MisbehavingProvider;
  const clock = new FakeClock();

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    provider.behaviour.now = () => clock.now();
  });

  beforeEach(() => {
    ended = 0;
  });

  afterAll(() => provider.close());

  it('GW-1: need a token like every handler', async () => {
    const app = await startApp({ adapter, provider, clock, controllers: [Streams] });

    expect((await listen(app, 'stream')).status).toBe(401);
    expect((await listen(app, 'open')).status).toBe(200);
    await app.close();
  });

  it('GW-2: end with their token’s lifetime, and not before', async () => {
    const app = await startApp({ adapter, provider, clock, controllers: [Streams] });
    const response = await listen(app, 'stream', provider.accessToken());
    const body = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    await sweep(app);
    expect((await body?.read())?.value).toContain('first');

    clock.advance(3600);
    await sweep(app);
    let last = await body?.read();
    while (last?.done === false) last = await body?.read();

    expect(last?.done).toBe(true);
    await expect.poll(() => ended).toBe(1);
    await app.close();
  });

  it('GW-2: end with their session', async () => {
    const app = await startBrokerApp({ adapter, provider, clock, controllers: [Streams] });
    const { accessToken, claims } = await brokerLogin(app);
    const response = await listen(app, 'stream', accessToken);
    expect(response.status).toBe(200);

    await app.service.revokeSession(String(claims['sid']));
    await sweep(app);

    expect(await response.text()).toContain('first');
    await app.close();
  });

  describe('by session cookie', () => {
    let app: TestApp;
    let browser: Browser;

    beforeAll(async () => {
      app = await startBrowserApp({ adapter, provider, clock, controllers: [Streams] });
    });

    beforeEach(async () => {
      provider.resetBehaviour();
      provider.behaviour.now = () => clock.now();
      browser = new Browser(app, () => clock.now().getTime());
      await browser.logIn();
    });

    afterAll(() => app.close());

    const listenByCookie = async (path = 'stream') => {
      const headers = { cookie: `${SESSION_COOKIE}=${browser.reference}` };
      const response = await fetch(`${app.url}/${path}`, { headers });
      expect([response.status, response.headers.get('cache-control')]).toEqual([
        200,
        expect.stringContaining('no-store'),
      ]);
      return response;
    };

    it.each([
      ['was logged out', () => browser.send('/auth/v2/logout', 'POST')],
      ['was replaced by another login', () => browser.logIn()],
      ['was revoked', () => app.service.revokeSessions(alice.sub)],
      ['was idle for too long', async () => clock.advance(43_200)],
    ])('GW-2: end when the session %s', async (_, end) => {
      const response = await listenByCookie();

      await end();
      await sweep(app);

      expect(await response.text()).toContain('first');
      await expect.poll(() => ended).toBe(1);
    });

    it('GW-2: go on while the session is renewed, until its claims break the rule', async () => {
      const response = await listenByCookie('editors');
      for (let hour = 0; hour < 3; hour += 1) {
        clock.advance(3600);
        await sweep(app);
        expect(ended).toBe(0);
      }

      provider.behaviour.accessToken.claims = (claims) => ({ ...claims, resource_access: {} });
      clock.advance(3600);
      await sweep(app);

      expect(await response.text()).toContain('first');
      await expect.poll(() => ended).toBe(1);
    });

    it('end where a condition of the rule fails, which is logged', async () => {
      const response = await listenByCookie('conditional');
      const linesBefore = app.logs().length;
      Streams.condition = () => {
        throw new Error('a fault of the host');
      };

      clock.advance(10);
      await sweep(app);

      Streams.condition = () => true;
      expect(await response.text()).toContain('first');
      expect(app.logs().slice(linesBefore).join('\n')).toContain('a fault of the host');
    });
  });
});
