import { Injectable, type WebSocketAdapter } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { OAuthError } from '../errors/oauth.error.js';
import { HostFaults } from '../events/host-faults.js';
import { RefusalLog } from '../events/refusal-log.js';
import { isRecord } from '../options/value-rules.js';
import { refusalHeaders } from '../tokens/challenge.js';
import { type Connection, Connections } from './connections.js';
import { FRESH_TOKEN, Gateways } from './gateways.js';
import { handshakeCredentials, realProtocols, tokenCredentials } from './handshake.js';

type Next = (error?: Error) => void;

/** Where a server listens. */
interface Place {
  readonly port: number;
  readonly options: unknown;
}

/** A connection of socket.io, as far as it is needed. */
interface IoSocket {
  readonly handshake: { readonly auth: unknown };
  readonly request: IncomingMessage;
  use(handler: (event: unknown[], next: Next) => void): void;
  once(event: 'disconnect', listener: () => void): void;
  emit(event: string, body: unknown): void;
  disconnect(close: boolean): void;
}

/** A server or namespace of socket.io. */
interface IoServer {
  use(middleware: (socket: IoSocket, next: Next) => void): void;
  readonly opts?: { readonly connectionStateRecovery?: { skipMiddlewares?: boolean } };
  /** Of a namespace. */
  readonly server?: Pick<IoServer, 'opts'>;
}

/** A connection of ws. */
interface WsSocket {
  on(event: 'message', listener: (data: unknown) => void): void;
  once(event: 'close', listener: () => void): void;
  send(text: string): void;
  close(code: number, reason: string): void;
}

type Verified = (
  accepted: boolean,
  status?: number,
  message?: string,
  headers?: Record<string, string>,
) => void;

/** A server of ws: its options are read at each handshake. */
interface WsServer {
  readonly options: {
    verifyClient?: unknown;
    handleProtocols?: (protocols: Set<string>, request: IncomingMessage) => string | false;
  };
  on(event: 'connection', listener: (socket: WsSocket, request: IncomingMessage) => void): void;
}

const POLICY_VIOLATION = 1008; // RFC 6455 §7.4.1

/** How the log names what was refused. */
const HANDSHAKE = 'WebSocket handshake';
const RENEWAL = `WebSocket event "${FRESH_TOKEN}"`;

/** Puts the guard before connections, whichever adapter the host uses. */
@Injectable()
export class GuardedAdapter {
  readonly #guarded = new WeakSet<object>();
  readonly #opening = new WeakMap<IncomingMessage, Connection>();

  constructor(
    private readonly gateways: Gateways,
    private readonly connections: Connections,
    private readonly refusals: RefusalLog,
    private readonly faults: HostFaults,
  ) {}

  /** Makes an adapter guard every server that it creates. */
  guard(adapter: WebSocketAdapter): void {
    if (this.#guarded.has(adapter)) return;
    this.#guarded.add(adapter);
    const create = adapter.create.bind(adapter);
    adapter.create = (port: number, options?: object) => {
      const server: unknown = create(port, options);
      this.#guardServer(server, port, options);
      return server;
    };
  }

  #guardServer(server: unknown, port: number, options: unknown): void {
    if (typeof server !== 'object' || server === null || this.#guarded.has(server)) return;
    this.#guarded.add(server);
    if (isWsServer(server)) this.#guardWs(server, port, options);
    else if (isIoServer(server)) this.#guardIo(server, port, options);
  }

  #guardIo(server: IoServer, port: number, options: unknown): void {
    const recovery = (server.server ?? server).opts?.connectionStateRecovery;
    // By itself socket.io asks nobody about connections that take up their former state: it would be theirs for ever.
    if (recovery !== undefined) recovery.skipMiddlewares = false;
    server.use((socket, next) => void this.#answerIo(socket, next, { port, options }));
  }

  async #answerIo(socket: IoSocket, next: Next, { port, options }: Place): Promise<void> {
    let refusal: OAuthError | undefined;
    try {
      await this.#openIo(socket, port, options);
    } catch (error) {
      refusal = this.#refusal(HANDSHAKE, error);
    }
    next(refusal && Object.assign(new Error(refusal.description), { data: refusal.getResponse() }));
  }

  async #openIo(socket: IoSocket, port: number, options: unknown): Promise<void> {
    const credentials = handshakeCredentials(socket.request, socket.handshake.auth);
    const demands = this.gateways.demandsAt(port, options);
    const connection = await this.connections.open(credentials, demands);
    const forget = this.connections.keep(socket, connection, (refusal = ended()) => {
      socket.emit('exception', refusal.getResponse());
      socket.disconnect(true);
    });
    socket.once('disconnect', forget);
    socket.use(([event, data, ack], next) => {
      if (event !== FRESH_TOKEN) return next();
      const answer = typeof ack === 'function' ? ack : undefined;
      void this.#renew(socket, data).then(
        (body) => (answer === undefined ? socket.emit('authenticated', body) : answer(body)),
        (error: unknown) => socket.emit('exception', this.#refusal(RENEWAL, error).getResponse()),
      );
    });
  }

  #guardWs(server: WsServer, port: number, options: unknown): void {
    const { verifyClient: ofHost, handleProtocols } = server.options;
    // ws waits for the answer where the function takes two arguments.
    server.options.verifyClient = (info: { req: IncomingMessage }, verified: Verified) => {
      void this.#openWs(info.req, port, options).then(
        () => askHost(ofHost, info, verified),
        (error: unknown) => {
          const refusal = this.#refusal(HANDSHAKE, error);
          const headers = Object.fromEntries(refusalHeaders(refusal));
          verified(false, refusal.getStatus(), JSON.stringify(refusal.getResponse()), {
            ...headers,
            'Content-Type': 'application/json',
          });
        },
      );
    };
    server.options.handleProtocols = (protocols, request) => {
      const real = new Set(realProtocols(protocols));
      if (typeof handleProtocols === 'function') return handleProtocols(real, request); // else null
      const [first] = real;
      return first ?? false;
    };
    server.on('connection', (socket, request) => this.#keepWs(socket, request));
  }

  async #openWs(request: IncomingMessage, port: number, options: unknown): Promise<void> {
    const demands = this.gateways.demandsAt(port, options);
    const connection = await this.connections.open(handshakeCredentials(request), demands);
    this.#opening.set(request, connection);
  }

  #keepWs(socket: WsSocket, request: IncomingMessage): void {
    const connection = this.#opening.get(request);
    if (connection === undefined) return;
    const send = (event: string, answer: object) => {
      const data = answer instanceof OAuthError ? answer.getResponse() : answer;
      socket.send(JSON.stringify({ event, data }));
    };
    const forget = this.connections.keep(socket, connection, (refusal = ended()) => {
      send('exception', refusal);
      socket.close(POLICY_VIOLATION, refusal.error);
    });
    socket.once('close', forget);
    socket.on('message', (message) => {
      const fresh = freshToken(message);
      if (fresh === undefined) return;
      void this.#renew(socket, fresh).then(
        (body) => send('authenticated', body),
        (error: unknown) => send('exception', this.#refusal(RENEWAL, error)),
      );
    });
  }

  /** What the client is told, once the log was. */
  #refusal(where: string, error: unknown): OAuthError {
    if (!(error instanceof OAuthError)) this.faults.report(where, error);
    const refusal =
      error instanceof OAuthError
        ? error
        : new OAuthError('server_error', 'The connection failed', { status: 500, cause: error });
    this.refusals.report(where, refusal, 'refused by the guard');
    return refusal;
  }

  /** @returns when the fresh token ends, in seconds since 1970. */
  async #renew(client: object, data: unknown): Promise<{ expires: number }> {
    const token = isRecord(data) ? data['token'] : undefined;
    if (typeof token !== 'string') {
      throw new OAuthError('invalid_request', 'A fresh token is sent as { token }');
    }
    const { claims } = await this.connections.renew(client, tokenCredentials(token));
    return { expires: claims.exp };
  }
}

/** The data of a message `authenticate`, in the form of Nest's adapter for ws. */
function freshToken(message: unknown): unknown {
  if (!Buffer.isBuffer(message) || !message.includes(`"${FRESH_TOKEN}"`)) return undefined;
  try {
    const parsed: unknown = JSON.parse(message.toString());
    return isRecord(parsed) && parsed['event'] === FRESH_TOKEN
      ? (parsed['data'] ?? null)
      : undefined;
  } catch {
    return undefined;
  }
}

function ended(): OAuthError {
  return new OAuthError('invalid_token', 'The access token is invalid or has expired');
}

function askHost(verifyClient: unknown, info: object, verified: Verified): void {
  if (typeof verifyClient !== 'function') verified(true);
  else if (verifyClient.length === 2) verifyClient(info, verified);
  else verified(verifyClient(info) === true, 401);
}

function isWsServer(server: object): server is WsServer {
  return 'handleUpgrade' in server && 'options' in server;
}

function isIoServer(server: object): server is IoServer {
  return 'use' in server && typeof server.use === 'function';
}
