import type { Type } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { type OnGatewayConnection, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { LiveCalls } from '../../lib/guard/live-calls.js';
import { Auth, AuthGuard, IdToken, Public } from '../../lib/index.js';
import { OidcWebsocketsModule } from '../../lib/websockets/index.js';
import type { TestApp } from '../support/app.js';
import { type BrokerAppOptions, brokerLogin } from '../support/broker-app.js';
import { startInstances } from '../support/broker-instances.js';
import { Browser, SESSION_COOKIE, startBrowserApp } from '../support/browser-sessions.js';
import { countingStore } from '../support/counting-store.js';
import { FakeClock } from '../support/fake-clock.js';
import { failWith } from '../support/faults.js';
import { logoutToken, sendLogoutToken } from '../support/logout-token.js';
import {
  type MisbehavingProvider,
  startMisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { alice, bob } from '../support/users.js';
import { type Client, type Handshake, webSocketKinds } from '../support/websocket-clients.js';

let connected = 0;

function gateway(options: object): Type {
  @WebSocketGateway(options)
  class Gateway implements OnGatewayConnection {
    handleConnection(): void {
      connected += 1;
    }

    @SubscribeMessage('who')
    who(@IdToken('sub') sub?: string): object {
      return { event: 'you', data: sub ?? null };
    }

    @SubscribeMessage('editors')
    @Auth({ roles: 'editor' })
    editors(): object {
      return { event: 'editors', data: 'secret' };
    }
  }
  return Gateway;
}

const shop = 'https://shop.example.org';

describe.each(webSocketKinds)(
  'gateways by $title, with a cookie',
  ({ title, adapter, connect }) => {
    const clock = new FakeClock();
    const counted = countingStore();
    const clients: Client[] = [];
    let provider: MisbehavingProvider;
    let app: TestApp;
    let browser: Browser;
    const place = (name: string) => (title === 'ws' ? { path: `/${name}` } : { namespace: name });

    const Guarded = gateway(place('guarded'));
    const Editors = gateway(place('editors'));
    Auth({ roles: 'editor' })(Editors);
    const Open = gateway(place('open'));
    Public()(Open);

    const host = (more: BrokerAppOptions = {}): BrokerAppOptions => ({
      provider,
      clock,
      imports: [OidcWebsocketsModule],
      providers: [Guarded, Editors, Open, { provide: APP_GUARD, useExisting: AuthGuard }],
      configure: (created) => void created.useWebSocketAdapter(adapter(created)),
      ...more,
    });

    const open = async (
      path: string,
      headers: Handshake['headers'],
      { at = app, ...more }: Handshake & { readonly at?: TestApp } = {},
    ): Promise<Client> => {
      const cookie = `${SESSION_COOKIE}=${browser.reference}`;
      const client = await connect(at.url, path, { headers: { cookie, ...headers }, ...more });
      clients.push(client);
      return client;
    };

    const openOwn = (path = '/guarded'): Promise<Client> => open(path, { origin: app.url });

    const refused = (...args: Parameters<typeof open>): Promise<unknown> =>
      open(...args).then(
        () => 'connected',
        (error: unknown) => Reflect.get(Object(error), 'body') ?? error,
      );

    const sweep = (at = app): Promise<void> => at.app.get(LiveCalls, { strict: false }).sweep();

    beforeAll(async () => {
      provider = await startMisbehavingProvider({ clock });
      const { store } = counted;
      app = await startBrowserApp(host({ store, options: { session: { origins: [shop] } } }));
    });

    beforeEach(async () => {
      provider.resetBehaviour();
      clock.advance(20); // what earlier tests remembered is forgotten
      browser = new Browser(app, () => clock.now().getTime());
      await browser.logIn();
      connected = 0;
    });

    afterEach(() => {
      counted.down = false;
      for (const client of clients.splice(0)) client.close();
    });

    afterAll(async () => {
      await app.close();
      await provider.close();
    });

    it.each([
      ['ours', () => app.url],
      ['one that is listed', () => shop],
    ])('take it with an Origin that is %s, and hand out claims on messages', async (_, origin) => {
      const client = await open('/editors', { origin: origin() });

      client.send('who', {});
      expect(await client.next('you')).toBe(alice.sub);
      client.send('editors', {});
      expect(await client.next('editors')).toBe('secret');
      expect(connected).toBe(1);
    });

    it('GW-3: refuse it with any other Origin, and with none, before the gateway hears of it', async () => {
      const { port } = new URL(app.url);
      const others: Handshake['headers'][] = [
        {},
        { origin: '' },
        { origin: 'null' },
        { origin: 'https://evil.example' },
        { origin: 'http://localhost' },
        { origin: `https://localhost:${port}` },
        { origin: `http://localhost:${Number(port) + 1}` },
        { origin: `http://localhost.:${port}` },
        { origin: `http://LOCALHOST:${port}` },
        { origin: `http://127.0.0.1:${port}` },
        { origin: `${app.url}/` },
        { origin: `${app.url}.evil.example` },
        { origin: `${shop}:8443` },
        { origin: 'https://a.shop.example.org' },
        { origin: [app.url, 'https://evil.example'] },
        { origin: [app.url, app.url] },
        { origin: `${app.url}, https://evil.example` },
        // A browser says the Origin of each WebSocket: without it these were said by no browser.
        { 'sec-fetch-site': 'same-origin' },
        { 'sec-fetch-site': 'none' },
        { 'sec-fetch-site': 'same-origin', origin: 'https://evil.example' },
      ];
      for (const headers of others) {
        const refusal = await refused('/guarded', headers);
        expect([headers, refusal]).toEqual([
          headers,
          expect.objectContaining({ statusCode: 403, error: 'access_denied' }),
        ]);
      }
      expect(connected).toBe(0);
    });

    it('GW-3: know nobody by it on a gateway for everybody, where the Origin is another', async () => {
      const client = await open('/open', { origin: 'https://evil.example' });
      client.send('who', {});
      client.send('editors', {});

      expect(await client.next('you')).toBeNull();
      expect(await client.next('exception')).toMatchObject({ error: 'access_denied' });
    });

    it('BS-7: go by a token beside it alone', async () => {
      provider.behaviour.user = bob;
      const { accessToken } = await brokerLogin(app);
      const origin = 'https://evil.example';
      const authorization = `Bearer ${accessToken}`;

      for (const client of [
        await open('/guarded', { origin }, { token: accessToken }),
        await open('/guarded', { origin, authorization }),
      ]) {
        client.send('who', {});
        expect(await client.next('you')).toBe(bob.sub);
      }
      for (const bad of [
        refused('/guarded', { origin: app.url }, { token: 'bad' }),
        refused('/guarded', { origin: app.url, authorization: 'Bearer bad' }),
        refused('/guarded', { origin: app.url, authorization: 'DPoP x' }),
      ]) {
        expect(await bad).toMatchObject({ error: 'invalid_token' });
      }
    });

    it('refuse a forged one, two of them, and one whose session is over', async () => {
      const { reference } = browser;
      const mine = `${SESSION_COOKIE}=${reference}`;
      const origin = app.url;
      const swapped = `${SESSION_COOKIE}=${reference.slice(0, -1)}_`;
      for (const cookie of [`${mine}; ${mine}`, swapped, `__Host-${mine}`]) {
        expect(await refused('/guarded', { origin, cookie })).toMatchObject({ statusCode: 401 });
      }
      await browser.send('/auth/v2/logout', 'POST');
      expect(await refused('/guarded', { origin, cookie: mine })).toMatchObject({
        statusCode: 401,
      });
      expect(connected).toBe(0);
    });

    describe('GW-2: end a connection', () => {
      it.each([
        ['that was logged out', () => browser.send('/auth/v2/logout', 'POST')],
        ['that another login of the browser replaced', () => browser.logIn()],
        ['that the provider ended', () => sendLogoutToken(app, logoutToken(provider))],
        ['that was revoked', () => app.service.revokeSessions(alice.sub)],
      ])('with a session %s', async (_, end) => {
        const client = await openOwn();
        await sweep();
        client.send('who', {});
        expect(await client.next('you')).toBe(alice.sub);

        await end();
        await sweep();

        expect(await client.next('exception')).toMatchObject({ error: 'invalid_token' });
        await client.closed;
        const again = await openOwn().catch(() => undefined); // as its client does
        expect(again === undefined).toBe(!(await browser.who()).startsWith('sub-'));
      });

      it('within ten seconds on every other instance, also while that pulls no revocations', async () => {
        const { store, faults } = countingStore();
        const { one, other } = await startInstances(host({ store, options: { session: {} } }));
        browser = new Browser(one);
        await browser.logIn();
        const client = await open('/guarded', { origin: other.url }, { at: other });
        faults.set('listRevocations', 'reject');
        await browser.send('/auth/v2/logout', 'POST');

        clock.advance(8); // and two until the next sweep
        await sweep(other);

        expect(await client.next('exception')).toMatchObject({ error: 'invalid_token' });
        await client.closed;
      });

      it('when the renewed claims of its session break the rule of the gateway', async () => {
        const editor = await openOwn('/editors');
        const anybody = await openOwn();
        provider.behaviour.accessToken.claims = (claims) => ({
          ...claims,
          groups: [],
          realm_access: {},
          resource_access: {},
        });
        clock.advance(3600 - 59);

        await expect
          .poll(async () => {
            clock.advance(8);
            await sweep();
            return editor.events;
          })
          .toEqual([['exception', expect.objectContaining({ error: 'insufficient_scope' })]]);

        await editor.closed;
        anybody.send('editors', {});
        expect(await anybody.next('exception')).toMatchObject({ error: 'insufficient_scope' });
        anybody.send('who', {});
        expect(await anybody.next('you')).toBe(alice.sub);
      });

      it('with the idle limit of its session: to be open is no use, to send is', async () => {
        const client = await openOwn();
        clock.advance(40_000);
        await sweep();
        client.send('who', {});
        expect(await client.next('you')).toBe(alice.sub);
        clock.advance(40_000);
        await sweep();
        expect(client.events).toEqual([]);

        clock.advance(3200);
        await sweep();

        expect(await client.next('exception')).toMatchObject({ error: 'invalid_token' });
        await client.closed;
      });

      it('when the store stays away for longer than the claims are good', async () => {
        const client = await openOwn();
        counted.down = true;
        clock.advance(3000);
        await sweep();
        counted.down = false;
        client.send('who', {});
        expect(await client.next('you')).toBe(alice.sub);

        counted.down = true;
        clock.advance(600);
        await sweep();

        expect(await client.next('exception')).toMatchObject({ error: 'temporarily_unavailable' });
        await client.closed;
      });
    });

    it('go on while a session is renewed, and while the provider is down', async () => {
      const client = await openOwn('/editors');
      for (let hour = 0; hour < 3; hour += 1) {
        provider.behaviour.faults.token = failWith(503);
        clock.advance(3600 - 30);
        await sweep();
        provider.resetBehaviour();
        clock.advance(30);
        await sweep();
        client.send('editors', {});
        expect(await client.next('editors')).toBe('secret');
      }
      expect(client.events).toEqual([]);
    });

    it('go on with a token of the same user in its place', async () => {
      const { accessToken } = await brokerLogin(app);
      const client = await openOwn();
      client.send('authenticate', { token: accessToken });
      expect(await client.next('authenticated')).toEqual({ expires: expect.any(Number) });

      await browser.send('/auth/v2/logout', 'POST');
      await sweep();

      client.send('who', {});
      expect(await client.next('you')).toBe(alice.sub);
    });

    it('cost a read of the store every few seconds for all connections of a session', async () => {
      const open20 = await Promise.all(Array.from({ length: 20 }, () => openOwn()));
      counted.calls.length = 0;
      await sweep();
      expect(counted.count('findSession')).toBe(0);

      clock.advance(8);
      await sweep();
      await sweep();

      expect(counted.count('findSession')).toBe(1);
      expect(counted.count('touchSession')).toBe(0);
      expect(open20.flatMap(({ events }) => events)).toEqual([]);
    });

    it('GW-3: are held to the same where the host asks for itself who opens a WebSocket', async () => {
      const cookie = `${SESSION_COOKIE}=${browser.reference}`;
      const ask = async (headers: Record<string, string>): Promise<unknown> =>
        app.service.authenticate({ cookie, ...headers }).then(
          ({ sub }) => sub,
          (error: unknown) => Reflect.get(Object(error), 'error'),
        );

      expect(await ask({ upgrade: 'websocket', origin: app.url })).toBe(alice.sub);
      expect(await ask({ Upgrade: 'WebSocket', Origin: shop })).toBe(alice.sub);
      for (const headers of [{}, { 'sec-fetch-site': 'same-origin' }, { origin: 'null' }]) {
        expect(await ask({ upgrade: 'websocket', ...headers })).toBe('access_denied');
      }
      expect(await ask({ origin: app.url })).toBe('invalid_token'); // what it asks for nobody can tell
    });

    it.runIf(title === 'socket.io').each<[given: Record<string, string>, expected: string]>([
      [{ 'sec-fetch-site': 'same-origin' }, 'connected'],
      [{ origin: 'ours' }, 'connected'],
      [{ origin: shop, 'sec-fetch-site': 'same-site' }, 'connected'],
      [{}, 'access_denied'],
      [{ 'sec-fetch-site': 'none' }, 'access_denied'],
      [{ 'sec-fetch-site': 'same-site' }, 'access_denied'],
      [{ 'sec-fetch-site': 'cross-site' }, 'access_denied'],
      [{ 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }, 'access_denied'],
      [{ origin: 'null' }, 'access_denied'],
    ])('GW-3: by polling, a handshake with %j is %s', async (given, expected) => {
      const headers = { ...given, ...(given['origin'] === 'ours' ? { origin: app.url } : {}) };
      const outcome = await refused('/guarded', headers, { polling: true });

      expect(outcome === 'connected' ? outcome : Reflect.get(Object(outcome), 'error')).toBe(
        expected,
      );
      expect(connected).toBe(expected === 'connected' ? 1 : 0);
    });
  },
);
