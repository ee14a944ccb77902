import { APP_GUARD } from '@nestjs/core';
import { WsAdapter } from '@nestjs/platform-ws';
import { type OnGatewayConnection, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';

import { AuthGuard, IdToken } from '../../lib/index.js';
import { OidcWebsocketsModule } from '../../lib/websockets/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { ProvingClient } from '../support/dpop.js';
import {
  type MisbehavingProvider,
  startMisbehavingProvider,
} from '../support/misbehaving-provider.js';

let connected = 0;
const offered: string[][] = [];

const isInvited = ({ url }: IncomingMessage): boolean => url?.endsWith('?invited') === true;

class Gateway implements OnGatewayConnection {
  handleConnection(): void {
    connected += 1;
  }

  @SubscribeMessage('who')
  who(@IdToken('sub') sub: string): object {
    return { event: 'you', data: sub };
  }
}

@WebSocketGateway({ path: '/plain' })
class Plain extends Gateway {}

@WebSocketGateway({
  path: '/asking',
  verifyClient: ({ req }: { req: IncomingMessage }) => isInvited(req),
  handleProtocols: (protocols: Set<string>) => {
    offered.push([...protocols]);
    return [...protocols].at(-1) ?? false;
  },
})
class Asking extends Gateway {}

@WebSocketGateway({
  path: '/waiting',
  verifyClient: (
    { req }: { req: IncomingMessage },
    answer: (accepted: boolean, status?: number) => void,
  ) => setImmediate(() => answer(isInvited(req), 402)),
})
class Waiting extends Gateway {}

/** The subprotocol of a connection that was opened, or how it was refused. */
const outcome = (socket: WebSocket): Promise<unknown> =>
  new Promise((resolve, reject) => {
    socket.once('open', () => resolve({ protocol: socket.protocol }));
    socket.once('unexpected-response', (_, response: IncomingMessage) => {
      const { statusCode, headers } = response;
      text(response).then((body) => resolve({ statusCode, headers, body }), reject);
    });
    socket.once('error', reject);
  });

describe('gateways by ws', () => {
  let provider: MisbehavingProvider;
  let app: TestApp;
  const sockets: WebSocket[] = [];

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    app = await startApp({
      provider,
      imports: [OidcWebsocketsModule],
      providers: [Plain, Asking, Waiting, { provide: APP_GUARD, useExisting: AuthGuard }],
      configure: (created) => void created.useWebSocketAdapter(new WsAdapter(created)),
    });
  });

  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.terminate();
    connected = 0;
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  const open = (path: string, protocols: string[], bearer?: string): WebSocket => {
    const headers = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
    const socket = new WebSocket(`${app.url.replace('http', 'ws')}${path}`, protocols, { headers });
    sockets.push(socket);
    return socket;
  };

  const token = () => provider.accessToken();

  it('DP-1: take no token that is bound to a key, with a proof and without', async () => {
    const client = await ProvingClient.create();
    const bound = provider.accessToken({ cnf: { jkt: client.jkt } });
    const url = `${app.url}/plain`;
    const proved = await client.headers({ method: 'GET', url, token: bound });
    const connect = (headers: Record<string, string>): WebSocket => {
      const socket = new WebSocket(url.replace('http', 'ws'), { headers });
      sockets.push(socket);
      return socket;
    };

    for (const refused of [
      outcome(connect(proved)),
      outcome(connect({ authorization: `Bearer ${bound}` })),
      outcome(open('/plain', ['chat', `bearer.${bound}`])),
    ]) {
      expect(await refused).toMatchObject({
        statusCode: 401,
        body: expect.stringContaining('bound to a key (DPoP), and is taken in HTTP requests'),
      });
    }
    expect(connected).toBe(0);
  });

  it.each([
    ['a subprotocol with a token alone', () => [`bearer.${token()}`], 400, 'invalid_request'],
    [
      'two of them',
      () => ['chat', `bearer.${token()}`, `bearer.${token()}`],
      400,
      'invalid_request',
    ],
    ['a bad token in one', () => ['chat', 'bearer.bad'], 401, 'invalid_token'],
    ['one without a token', () => ['chat', 'bearer.'], 401, 'invalid_token'],
    ['no token', () => [], 401, 'invalid_token'],
  ])(
    'GW-1: refuses %s by a status, with a challenge and the error body',
    async (_, protocols, statusCode, error) => {
      const refusal = await outcome(open('/plain', protocols()));

      expect(refusal).toMatchObject({
        statusCode,
        headers: { 'content-type': 'application/json' },
        body: expect.stringContaining(`"error":"${error}"`),
      });
      if (statusCode === 401) {
        expect(refusal).toMatchObject({
          headers: { 'www-authenticate': expect.stringMatching(/^Bearer/) },
        });
      }
      expect(connected).toBe(0);
    },
  );

  it('refuses a token in a subprotocol beside one in the header', async () => {
    const both = open('/plain', ['chat', `bearer.${token()}`], token());

    expect(await outcome(both)).toMatchObject({ statusCode: 400 });
  });

  it('selects the first subprotocol that is no token, wherever the token stands', async () => {
    for (const protocols of [
      ['chat', 'log', `bearer.${token()}`],
      [`bearer.${token()}`, 'chat', 'log'],
    ]) {
      const socket = open('/plain', protocols);
      expect(await outcome(socket)).toEqual({ protocol: 'chat' });
      socket.send(JSON.stringify({ event: 'who', data: {} }));
      expect(String(await once(socket, 'message'))).toContain('sub-0001-alice');
    }
    expect(await outcome(open('/plain', [], token()))).toEqual({ protocol: '' });
  });

  it('asks the host’s own functions after the token, and shows them no token', async () => {
    const protocols = ['chat', 'log', `bearer.${token()}`];

    expect(await outcome(open('/asking?invited', protocols))).toEqual({ protocol: 'log' });
    expect(offered).toEqual([['chat', 'log']]);
    expect(await outcome(open('/asking', protocols))).toMatchObject({ statusCode: 401 });
    expect(await outcome(open('/asking?invited', ['chat']))).toMatchObject({
      statusCode: 401,
      body: expect.stringContaining('invalid_token'),
    });
    expect(await outcome(open('/waiting?invited', [], token()))).toEqual({ protocol: '' });
    expect(await outcome(open('/waiting', [], token()))).toMatchObject({ statusCode: 402 });
    expect(connected).toBe(2);
  });

  it('goes on after messages that look like a fresh token and are none', async () => {
    const socket = open('/plain', [], token());
    await outcome(socket);
    const messages: string[] = [];
    socket.on('message', (message: Buffer) => messages.push(message.toString()));
    for (const odd of [
      '"authenticate"',
      '{"event":"authenticate"',
      '{"data":{"event":"authenticate"}}',
      '{"event":"authenticate"}',
      `{"event":"authenticate","data":{"token":"${token()}"}}`,
    ]) {
      socket.send(odd);
    }

    await vi.waitFor(() => expect(messages).toHaveLength(2));
    expect(messages[0]).toContain('"event":"exception"');
    expect(messages[0]).toContain('invalid_request');
    expect(messages[1]).toContain('"event":"authenticated"');
  });
});
