import type { INestApplication } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { once } from 'node:events';
import { type Socket, io } from 'socket.io-client';
import { expect } from 'vitest';
import { WebSocket } from 'ws';

/** A client of either kind: what it was told, in order. */
export interface Client {
  readonly events: [event: string, data: unknown][];
  readonly closed: Promise<unknown>;
  send(event: string, data?: unknown): void;
  next(event: string): Promise<unknown>;
  close(): void;
}

export interface Handshake {
  readonly token?: string;
  readonly headers?: Record<string, string | string[]>;
  /** socket.io begins by HTTP requests. */
  readonly polling?: boolean;
  readonly query?: string;
  readonly protocols?: string[];
}

export interface Kind {
  readonly title: string;
  readonly adapter: (app: INestApplication) => IoAdapter | WsAdapter;
  readonly connect: (url: string, path: string, handshake: Handshake) => Promise<Client>;
}

function recorder(): Pick<Client, 'events' | 'next'> & {
  push: (event: string, data: unknown) => void;
} {
  const events: [string, unknown][] = [];
  const waiting = new Set<() => void>();
  return {
    events,
    push(event, data) {
      events.push([event, data]);
      for (const wake of waiting) wake();
    },
    async next(event) {
      for (;;) {
        const at = events.findIndex(([name]) => name === event);
        if (at !== -1) return events.splice(at, 1)[0]?.[1];
        await new Promise<void>((resolve) => waiting.add(resolve));
      }
    },
  };
}

async function connectIo(
  url: string,
  path: string,
  { token, headers, query, polling = false }: Handshake,
): Promise<Client> {
  const { events, next, push } = recorder();
  const socket: Socket = io(`${url}${path}`, {
    transports: [polling ? 'polling' : 'websocket'],
    forceNew: true,
    reconnection: false,
    ...(token === undefined ? {} : { auth: { token } }),
    ...(headers === undefined ? {} : { extraHeaders: Object(headers) }),
    ...(query === undefined ? {} : { query: { access_token: query } }),
  });
  socket.onAny((event: string, data: unknown) => push(event, data));
  const closed = new Promise((resolve) => socket.once('disconnect', resolve));
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('connect_error', (error) =>
      reject(Object.assign(error, { body: Reflect.get(error, 'data') })),
    );
  });
  return {
    events,
    next,
    closed,
    send: (event, data) =>
      void (data === undefined ? socket.emit(event) : socket.emit(event, data)),
    close: () => void socket.disconnect(),
  };
}

async function connectWs(url: string, path: string, handshake: Handshake): Promise<Client> {
  const { events, next, push } = recorder();
  const { token, headers, query, protocols } = handshake;
  const offered = protocols ?? (token === undefined ? [] : ['chat', `bearer.${token}`]);
  const address = `${url.replace('http', 'ws')}${path}${query === undefined ? '' : `?access_token=${query}`}`;
  const socket = new WebSocket(address, offered, { headers: headers ?? {} });
  socket.on('message', (text: Buffer) => {
    const { event, data }: { event: string; data: unknown } = JSON.parse(text.toString());
    push(event, data);
  });
  const closed = once(socket, 'close');
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('unexpected-response', (_, response) => {
      let text = '';
      response.on('data', (chunk) => (text += String(chunk)));
      response.on('end', () =>
        reject(Object.assign(new Error('refused'), { body: JSON.parse(text) })),
      );
    });
    socket.once('error', reject);
  });
  expect(socket.protocol).not.toContain('bearer');
  return {
    events,
    next,
    closed,
    send: (event, data) => socket.send(JSON.stringify({ event, data })),
    close: () => socket.close(),
  };
}

/** The two adapters of Nest. */
export const webSocketKinds: readonly Kind[] = [
  { title: 'socket.io', adapter: (app) => new IoAdapter(app), connect: connectIo },
  { title: 'ws', adapter: (app) => new WsAdapter(app), connect: connectWs },
];
