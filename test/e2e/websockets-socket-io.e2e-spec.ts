import { APP_GUARD } from '@nestjs/core';
import { IoAdapter } from '@nestjs/platform-socket.io';
import {
  ConnectedSocket,
  type OnGatewayConnection,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import { type ManagerOptions, type Socket, type SocketOptions, io } from 'socket.io-client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { epochSeconds } from '../../lib/clock/clock.js';
import { LiveCalls } from '../../lib/guard/live-calls.js';
import { Auth, AuthGuard, IdToken } from '../../lib/index.js';
import { OidcWebsocketsModule } from '../../lib/websockets/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { ProvingClient } from '../support/dpop.js';
import { FakeClock } from '../support/fake-clock.js';
import {
  type MisbehavingProvider,
  startMisbehavingProvider,
} from '../support/misbehaving-provider.js';

/** A connection or a server of socket.io, as far as it is needed. */
interface Joining {
  join(room: string): void;
}
interface Rooms {
  to(room: string): { emit(event: string, data: unknown): void };
}

let connected = 0;

@WebSocketGateway({ connectionStateRecovery: {} })
class Chat implements OnGatewayConnection {
  @WebSocketServer()
  readonly server?: Rooms;

  handleConnection(): void {
    connected += 1;
  }

  @SubscribeMessage('join')
  join(@ConnectedSocket() socket: Joining): object {
    socket.join('room');
    return { event: 'joined', data: 'room' };
  }

  @SubscribeMessage('who')
  who(@IdToken('sub') sub: string): object {
    return { event: 'you', data: sub };
  }
}

/** A namespace for each tenant, with one rule for all. */
@WebSocketGateway({ namespace: /^\/tenant-\w+$/, connectionStateRecovery: {} })
@Auth({ scopes: 'chat' })
class Tenants {
  @SubscribeMessage('who')
  who(@IdToken('sub') sub: string): object {
    return { event: 'you', data: sub };
  }
}

/** Two gateways that share a namespace, and so its connections. */
@WebSocketGateway({ namespace: 'shared', connectionStateRecovery: {} })
class First {}

@WebSocketGateway({ namespace: 'shared', connectionStateRecovery: {} })
class Second {
  @SubscribeMessage('who')
  who(@IdToken('sub') sub: string): object {
    return { event: 'you', data: sub };
  }
}

type Options = Partial<ManagerOptions & SocketOptions>;

const told = (socket: Socket, event: string): Promise<unknown> =>
  new Promise((resolve) => socket.once(event, resolve));

/** Whether a connection was let in, or the body of its refusal. */
const opening = (socket: Socket): Promise<unknown> =>
  new Promise((resolve) => {
    socket.once('connect', () => resolve('connected'));
    socket.once('connect_error', (error) => resolve(Reflect.get(error, 'data') ?? error));
  });

describe('gateways by socket.io', () => {
  let provider: MisbehavingProvider;
  let app: TestApp;
  const clock = new FakeClock();
  const sockets: Socket[] = [];

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    provider.behaviour.now = () => clock.now();
    app = await startApp({
      provider,
      clock,
      imports: [OidcWebsocketsModule],
      providers: [Chat, Tenants, First, Second, { provide: APP_GUARD, useExisting: AuthGuard }],
      configure: (created) => void created.useWebSocketAdapter(new IoAdapter(created)),
    });
  });

  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.close();
    connected = 0;
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  const open = (options: Options, path = ''): Socket => {
    const socket = io(`${app.url}${path}`, { forceNew: true, reconnection: false, ...options });
    sockets.push(socket);
    return socket;
  };

  it('GW-1: holds connections by polling against the same rule', async () => {
    const transports = ['polling'];
    const bearer = `Bearer ${provider.accessToken()}`;

    for (const nobody of [{}, { query: { access_token: provider.accessToken() } }]) {
      const refusal = await opening(open({ transports, ...nobody }));
      expect(refusal).toMatchObject({ error: 'invalid_token' });
    }
    expect(connected).toBe(0);
    for (const alice of [
      { auth: { token: provider.accessToken() } },
      { extraHeaders: { authorization: bearer } },
    ]) {
      const socket = open({ transports, ...alice });
      expect(await opening(socket)).toBe('connected');
      socket.emit('who', {});
      expect(await told(socket, 'you')).toBe('sub-0001-alice');
    }
  });

  it.each(['websocket', 'polling'])(
    'DP-1: takes no token that is bound to a key by %s, with a proof and without',
    async (transport) => {
      const client = await ProvingClient.create();
      const token = provider.accessToken({ cnf: { jkt: client.jkt } });
      const url = `${app.url}/socket.io/`;
      const claims = { iat: epochSeconds(clock) };
      const extraHeaders = await client.headers({ method: 'GET', url, token, claims });

      for (const bound of [
        { extraHeaders },
        { extraHeaders: { authorization: `Bearer ${token}` } },
        { auth: { token } },
      ]) {
        const refusal = await opening(open({ transports: [transport], ...bound }));
        expect(refusal).toMatchObject({
          error: 'invalid_token',
          detail: expect.stringContaining('bound to a key (DPoP), and is taken in HTTP requests'),
        });
      }
      expect(connected).toBe(0);
    },
  );

  it('DP-1: goes on with no fresh token that is bound to a key', async () => {
    const client = await ProvingClient.create();
    const exp = epochSeconds(clock) + 600;
    const socket = open({
      transports: ['websocket'],
      auth: { token: provider.accessToken({ exp }) },
    });
    await opening(socket);
    const refused = told(socket, 'exception');

    socket.emit('authenticate', { token: provider.accessToken({ cnf: { jkt: client.jkt } }) });

    expect(await refused).toMatchObject({ error: 'invalid_token' });
  });

  it('GW-2: asks for a token where a connection takes up its former state, too', async () => {
    let token = provider.accessToken();
    const socket = open({
      transports: ['websocket'],
      auth: (give) => give({ token }),
      reconnection: true,
      reconnectionDelay: 1,
    });
    await opening(socket);
    socket.emit('join', {});
    await told(socket, 'joined');

    const again = opening(socket);
    socket.io.engine.close(); // as a network does it
    expect(await again).toBe('connected');
    expect(socket.recovered).toBe(true);
    const message = told(socket, 'said');
    app.app.get(Chat).server?.to('room').emit('said', 'hello'); // it is in its room again
    expect(await message).toBe('hello');
    const exception = told(socket, 'exception');
    clock.advance(3600);
    await app.app.get(LiveCalls, { strict: false }).sweep();
    expect(await exception).toMatchObject({ error: 'invalid_token' });

    token = provider.accessToken();
    const third = opening(socket.connect());
    expect(await third).toBe('connected');
    socket.emit('join', {});
    await told(socket, 'joined');
    const refused = opening(socket);
    clock.advance(3600);
    socket.io.engine.close();
    expect(await refused).toMatchObject({ error: 'invalid_token' });
  });

  it('a connection that goes on with a fresh token keeps its rooms', async () => {
    const socket = open({ transports: ['websocket'], auth: { token: provider.accessToken() } });
    await opening(socket);
    socket.emit('join', {});
    await told(socket, 'joined');
    clock.advance(200);

    const fresh = provider.accessToken({ jti: 'fresh' });
    const answer: unknown = await socket.emitWithAck('authenticate', { token: fresh });
    expect(answer).toEqual({ expires: expect.any(Number) });
    clock.advance(200);
    await app.app.get(LiveCalls, { strict: false }).sweep();
    const message = told(socket, 'said');
    app.app.get(Chat).server?.to('room').emit('said', 'hello');

    expect(await message).toBe('hello');
  });

  it('holds each namespace of a pattern against the rule of its gateway', async () => {
    const transports = ['websocket'];
    const token = provider.accessToken({ scope: 'chat' });

    expect(await opening(open({ transports }, '/tenant-a'))).toMatchObject({
      error: 'invalid_token',
    });
    const other = { token: provider.accessToken() };
    expect(await opening(open({ transports, auth: other }, '/tenant-a'))).toMatchObject({
      error: 'insufficient_scope',
    });
    const socket = open({ transports, auth: { token } }, '/tenant-b');
    expect(await opening(socket)).toBe('connected');
    socket.emit('who', {});
    expect(await told(socket, 'you')).toBe('sub-0001-alice');
  });

  it('a connection that gateways share goes on with one fresh token', async () => {
    const auth = { token: provider.accessToken() };
    const socket = open({ transports: ['websocket'], auth }, '/shared');
    expect(await opening(socket)).toBe('connected');
    clock.advance(200);
    await socket.emitWithAck('authenticate', { token: provider.accessToken({ jti: 'shared' }) });
    clock.advance(200);
    await app.app.get(LiveCalls, { strict: false }).sweep();

    socket.emit('who', {});
    expect(await told(socket, 'you')).toBe('sub-0001-alice');
  });
});
