import type { Type } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import {
  MessageBody,
  type OnGatewayConnection,
  SubscribeMessage,
  WebSocketGateway,
} from '@nestjs/websockets';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import { LiveCalls } from '../../lib/guard/live-calls.js';
import { Auth, AuthGuard, IdToken, Public, verifiedClaims } from '../../lib/index.js';
import { Authenticator } from '../../lib/tokens/authenticator.js';
import { OidcWebsocketsModule } from '../../lib/websockets/index.js';
import { type AppOptions, startApp, type TestApp } from '../support/app.js';
import { brokerLogin, startBrokerApp } from '../support/broker-app.js';
import { FakeClock } from '../support/fake-clock.js';
import { withoutLink } from '../support/page-links.js';
import {
  type MisbehavingProvider,
  startMisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { type Client, type Handshake, webSocketKinds } from '../support/websocket-clients.js';

let connected = 0;

function gateway(options: object): Type {
  @WebSocketGateway(options)
  class Gateway implements OnGatewayConnection {
    handleConnection(): void {
      connected += 1;
    }

    @SubscribeMessage('plain')
    plain(@IdToken('sub') sub?: string): object {
      return { event: 'plain', data: sub ?? null };
    }

    @SubscribeMessage('ping')
    ping(): object {
      return { event: 'ping', data: 'pong' };
    }

    @SubscribeMessage('admins')
    @Auth({ roles: 'owners' })
    admins(): object {
      return { event: 'admins', data: 'secret' };
    }

    @SubscribeMessage('gold')
    @Auth({ acr: 'gold', maxAgeSec: 60 })
    gold(): object {
      return { event: 'gold', data: 'secret' };
    }

    @SubscribeMessage('maybe')
    @Auth({ optional: true, roles: 'owners' })
    maybe(@IdToken('sub') sub?: string, @MessageBody() body?: unknown): object {
      return { event: 'maybe', data: [sub ?? null, body ?? null] };
    }

    @SubscribeMessage('open')
    @Public()
    open(@IdToken('sub') sub?: string): object {
      return { event: 'open', data: sub ?? null };
    }
  }
  return Gateway;
}

describe.each(webSocketKinds)('gateways by $title', ({ title, adapter, connect }) => {
  let provider: MisbehavingProvider;
  let app: TestApp;
  const clock = new FakeClock();
  const clients: Client[] = [];
  const place = (name: string) => (title === 'ws' ? { path: `/${name}` } : { namespace: name });

  const Guarded = gateway(place('guarded'));
  const OfClass = gateway(place('of-class'));
  Auth({ scopes: 'chat' })(OfClass);
  const OpenGateway = gateway(place('open'));
  Public()(OpenGateway);

  const host = (more: Partial<AppOptions> = {}): AppOptions => ({
    provider,
    clock,
    imports: [OidcWebsocketsModule],
    providers: [Guarded, OfClass, OpenGateway, { provide: APP_GUARD, useExisting: AuthGuard }],
    configure: (created) => void created.useWebSocketAdapter(adapter(created)),
    ...more,
  });

  const open = async (path: string, handshake: Handshake = {}, target = app): Promise<Client> => {
    const client = await connect(target.url, path, handshake);
    clients.push(client);
    return client;
  };

  const refused = async (path: string, handshake: Handshake = {}): Promise<unknown> =>
    open(path, handshake).then(
      () => 'connected',
      (error: unknown) => Reflect.get(Object(error), 'body') ?? error,
    );

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    provider.behaviour.now = () => clock.now();
    app = await startApp(host());
  });

  beforeEach(() => {
    connected = 0;
  });

  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  const sweep = () => app.app.get(LiveCalls, { strict: false }).sweep();

  it.each([
    ['the handshake’s own way', (token: string) => ({ token })],
    ['the header', (token: string) => ({ headers: { authorization: `Bearer ${token}` } })],
  ])('takes the token from %s and hands out claims on messages', async (_, handshake) => {
    const client = await open('/guarded', handshake(provider.accessToken()));

    client.send('plain', {});
    expect(await client.next('plain')).toBe('sub-0001-alice');
    expect(connected).toBe(1);
  });

  it.each([
    ['without a token', () => ({}), 'invalid_token'],
    ['with a bad one', () => ({ token: 'not-a-token' }), 'invalid_token'],
    ['with one in the query (GW-3)', () => ({ query: provider.accessToken() }), 'invalid_token'],
    [
      'with two',
      () => ({
        token: provider.accessToken(),
        headers: { authorization: `Bearer ${provider.accessToken()}` },
      }),
      'invalid_request',
    ],
  ])('GW-1: refuses who comes %s, before the gateway hears of it', async (_, handshake, error) => {
    expect(await refused('/guarded', handshake())).toMatchObject({ error });
    expect(connected).toBe(0);
  });

  it('GW-1: holds connections against the rule of the gateway’s class', async () => {
    expect(await refused('/of-class', { token: provider.accessToken() })).toMatchObject({
      error: 'insufficient_scope',
    });
    const client = await open('/of-class', { token: provider.accessToken({ scope: 'chat' }) });
    client.send('plain', {});
    expect(await client.next('plain')).toBe('sub-0001-alice');
  });

  it('lets everybody connect to a public gateway, whose messages have rules of their own', async () => {
    const nobody = await open('/open');
    for (const event of ['plain', 'open', 'admins']) nobody.send(event, {});

    expect(await nobody.next('plain')).toBeNull();
    expect(await nobody.next('open')).toBeNull();
    expect(await nobody.next('exception')).toMatchObject({ error: 'invalid_token' });
  });

  it('GW-5: refuses a message by an exception with the error body alone', async () => {
    const client = await open('/guarded', { token: provider.accessToken() });
    client.send('admins', {});

    const body = await client.next('exception');
    expect(body).toEqual({
      statusCode: 403,
      error: 'insufficient_scope',
      error_description: expect.any(String),
      detail: expect.any(String),
    });
    expect(client.events).toEqual([]);
  });

  it('SU-1: refuses a message whose sender’s login is too weak or too old', async () => {
    const auth_time = Math.floor(clock.now().getTime() / 1000);
    for (const claims of [{ auth_time }, { acr: 'gold' }]) {
      const weak = await open('/guarded', { token: provider.accessToken(claims) });
      weak.send('gold', {});
      expect(await weak.next('exception')).toMatchObject({
        error: 'insufficient_user_authentication',
      });
    }

    const client = await open('/guarded', {
      token: provider.accessToken({ acr: 'gold', auth_time }),
    });
    client.send('gold', {});
    expect(await client.next('gold')).toBe('secret');
  });

  it('LG-3: tells the log of handshakes and messages that were refused, with the reason', async () => {
    clock.advance(61); // one line a minute
    const linesBefore = app.logs().length;

    await refused('/of-class', { token: provider.accessToken() });
    await refused('/guarded', { token: provider.accessToken({ aud: 'other' }) });
    const client = await open('/guarded', { token: provider.accessToken() });
    client.send('admins', {});
    await client.next('exception');
    client.send('authenticate', { token: 'opaque' });
    await client.next('exception');

    const lines = app.logs().slice(linesBefore).map(withoutLink);
    expect(lines.map((line) => line.slice(line.indexOf('[OidcAuth] ') + 11))).toEqual([
      'WebSocket handshake refused (403 insufficient_scope): scopes: missing "chat"; see @Auth({ scopes })',
      'WebSocket handshake refused (401 invalid_token): aud: expected "my-aud", came "other"; see "audience"',
      expect.stringContaining(
        'Gateway.admins refused (403 insufficient_scope): roles: missing "owners"',
      ),
      expect.stringContaining(
        'WebSocket event "authenticate" refused (401 invalid_token): not a compact JWS',
      ),
    ]);
  });

  it('keeps what one handler may see from the next', async () => {
    const client = await open('/guarded', { token: provider.accessToken() });
    for (let round = 0; round < 5; round += 1) {
      client.send('plain', {});
      client.send('maybe', round);
      expect(await client.next('plain')).toBe('sub-0001-alice');
      expect(await client.next('maybe')).toEqual([null, round]);
    }
  });

  it('GW-2: keeps nothing of a caller whose fresh token no longer meets the rule', async () => {
    const roles = ['owners'];
    const owner = provider.accessToken({ realm_access: { roles } });
    const client = await open('/guarded', { token: owner });
    client.send('maybe', 1);
    expect(await client.next('maybe')).toEqual(['sub-0001-alice', 1]);
    client.send('admins', {});
    expect(await client.next('admins')).toBe('secret');

    client.send('authenticate', { token: provider.accessToken({ jti: 'no owner' }) });
    await client.next('authenticated');

    client.send('maybe', 2);
    expect(await client.next('maybe')).toEqual([null, 2]);
    client.send('admins', {});
    expect(await client.next('exception')).toMatchObject({ error: 'insufficient_scope' });
  });

  it('GW-2: ends a connection with its token', async () => {
    const client = await open('/guarded', { token: provider.accessToken() });
    await sweep();
    client.send('plain', {});
    await client.next('plain');

    clock.advance(3600);
    await sweep();

    expect(await client.next('exception')).toMatchObject({ error: 'invalid_token' });
    await client.closed;
  });

  it('GW-2: goes on with a fresh token of the same user, and with nobody else’s', async () => {
    const client = await open('/guarded', { token: provider.accessToken() });
    clock.advance(200);

    client.send('authenticate', { token: provider.accessToken({ sub: 'mallory' }) });
    expect(await client.next('exception')).toMatchObject({ error: 'invalid_token' });
    client.send('authenticate', { token: 'not-a-token' });
    expect(await client.next('exception')).toMatchObject({ error: 'invalid_token' });
    client.send('authenticate', {});
    expect(await client.next('exception')).toMatchObject({ error: 'invalid_request' });
    client.send('authenticate', { token: provider.accessToken({ jti: 'fresh' }) });
    expect(await client.next('authenticated')).toMatchObject({ expires: expect.any(Number) });
    clock.advance(200);
    await sweep();

    client.send('plain', {});
    expect(await client.next('plain')).toBe('sub-0001-alice');
  });

  it('lets nobody in after a fault of ours, says nothing of it, and logs it', async () => {
    const authenticator = app.app.get(Authenticator, { strict: false });
    const linesBefore = app.logs().length;
    vi.spyOn(authenticator, 'identify').mockRejectedValueOnce(new TypeError('a fault of ours'));

    const refusal = await refused('/guarded', { token: provider.accessToken() });

    expect(refusal).toMatchObject({ statusCode: 500, error: 'server_error' });
    expect(JSON.stringify(refusal)).not.toContain('fault');
    expect(app.logs().slice(linesBefore).join('\n')).toContain('a fault of ours');
    expect(connected).toBe(0);
  });

  it('forgets a connection that its client closes', async () => {
    const live = app.app.get(LiveCalls, { strict: false });
    const watch = live.watch.bind(live);
    let forgotten = 0;
    const spy = vi.spyOn(live, 'watch').mockImplementation((call) => {
      const forget = watch(call);
      return () => {
        forgotten += 1;
        forget();
      };
    });
    const client = await open('/guarded', { token: provider.accessToken() });
    expect(forgotten).toBe(0);

    client.close();

    await vi.waitFor(() => expect(forgotten).toBe(1));
    spy.mockRestore();
  });

  it('GW-2: ends a connection with its session', async () => {
    const broker = await startBrokerApp(host());
    const { accessToken, claims } = await brokerLogin(broker);
    const client = await open('/guarded', { token: accessToken }, broker);
    client.send('plain', {}); // nobody asks the application that had these gateways before
    expect(await client.next('plain')).toBe(claims['sub']);

    await broker.service.revokeSession(String(claims['sid']));
    await broker.app.get(LiveCalls, { strict: false }).sweep();

    await client.closed;
    await broker.close();
  });

  it('stops start-up where the whole application is guarded and the entry is missing', async () => {
    await expect(startApp(host({ imports: [] }))).rejects.toThrow(
      /OidcWebsocketsModule of nestjs-oidc-auth\/websockets/,
    );
  });

  it('stops start-up where a gateway of the host’s wants the event of fresh tokens', async () => {
    class Base {
      @SubscribeMessage('authenticate')
      login(): void {}
    }
    @WebSocketGateway()
    class Chat extends Base {}

    await expect(startApp(host({ providers: [Chat] }))).rejects.toThrow(
      /Chat\.login.*"authenticate".*another name/,
    );
  });

  it('without a guard for the whole application asks for a token only where a gateway does', async () => {
    const bare = await startApp(host({ providers: [Guarded, OfClass] }));
    const client = await open('/guarded', {}, bare);
    client.send('open', {});
    expect(await client.next('open')).toBeNull();
    client.send('ping', {});
    expect(await client.next('ping')).toBe('pong');
    await expect(connect(bare.url, '/of-class', {})).rejects.toThrow();
    client.close();
    await bare.close();
  });
});

describe('claims of what is no call', () => {
  it('verifiedClaims() of a context without a connection is undefined', () => {
    expect(verifiedClaims({})).toBeUndefined();
  });
});
