import { credentials, loadPackageDefinition, Metadata } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { Type } from '@nestjs/common';
import {
  type ClientProxy,
  ClientProxyFactory,
  type MicroserviceOptions,
  type ReadPacket,
  Transport,
} from '@nestjs/microservices';
import { fileURLToPath } from 'node:url';
import { Observable, firstValueFrom, map } from 'rxjs';

import { GrpcController, MessageController, StreamCallController } from './guarded-controller.js';

export const protoPath = fileURLToPath(new URL('guarded.proto', import.meta.url));

/** A client of a transport. */
export interface Link {
  /** What a handler answers, one after another. */
  stream(name: string, headers?: Record<string, string>): Observable<unknown>;
  call(name: string, headers?: Record<string, string>): Promise<unknown>;
  /** Sends an event, where the transport has events. */
  emit(name: string, headers?: Record<string, string>): void;
  close(): Promise<void>;
}

/** A transport: how a host serves it and a client calls it. */
export interface LinkKind {
  readonly title: string;
  readonly controllers: readonly Type[];
  options(port: number): MicroserviceOptions;
  connect(port: number): Promise<Link>;
  /** How its clients see a refusal. */
  refused(status: number, error: string): unknown;
}

function link(
  stream: (name: string, headers: Record<string, string>) => Observable<unknown>,
  close: () => Promise<void>,
  emit: (name: string, headers: Record<string, string>) => void = () => undefined,
): Link {
  const parsed = (name: string, headers: Record<string, string> = {}) =>
    stream(name, headers).pipe(
      map((answer) => JSON.parse(String(Reflect.get(Object(answer), 'text'))) as unknown),
    );
  return {
    stream: parsed,
    call: (name, headers) => firstValueFrom(parsed(name, headers)),
    emit: (name, headers = {}) => emit(name, headers),
    close,
  };
}

/** Nest's own client, which sends headers as metadata. */
async function connectByNest(client: ClientProxy): Promise<Link> {
  let next: Record<string, string> = {};
  client.setOnDispatchHook((packet: ReadPacket) => {
    packet.metadata = next;
  });
  await client.connect();
  return link(
    (name, headers) =>
      new Observable((subscriber) => {
        next = headers;
        return client.send(name, { text: '' }).subscribe(subscriber);
      }),
    async () => client.close(),
    (name, headers) => {
      next = headers;
      client.emit(name, { text: '' });
    },
  );
}

const body = (statusCode: number, error: string) => ({ statusCode, error });

export const tcp: LinkKind = {
  title: 'TCP',
  controllers: [MessageController],
  options: (port) => ({ transport: Transport.TCP, options: { host: '127.0.0.1', port } }),
  connect: async (port) =>
    connectByNest(
      ClientProxyFactory.create({ transport: Transport.TCP, options: { host: '127.0.0.1', port } }),
    ),
  refused: body,
};

export const redis: LinkKind = {
  title: 'Redis',
  controllers: [MessageController],
  options: (port) => ({ transport: Transport.REDIS, options: { host: '127.0.0.1', port } }),
  connect: async (port) =>
    connectByNest(
      ClientProxyFactory.create({
        transport: Transport.REDIS,
        options: { host: '127.0.0.1', port },
      }),
    ),
  refused: body,
};

interface Call extends NodeJS.EventEmitter {
  cancel(): void;
  write(message: object): void;
  end(): void;
}

/** The client that grpc-js makes for our service. */
export interface GrpcClient {
  close(): void;
  [method: string]: unknown;
}

export function grpcClient(port: number): GrpcClient {
  const { guarded } = loadPackageDefinition(loadSync(protoPath));
  const Client: unknown = Reflect.get(Object(guarded), 'Guarded');
  if (typeof Client !== 'function') throw new Error('The service is not in the file');
  return Reflect.construct(Client, [`127.0.0.1:${port}`, credentials.createInsecure()]);
}

export function grpcMetadata(headers: Record<string, string>): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.add(name, value);
  return metadata;
}

/** Calls a method that answers by a stream, or takes one. */
export function grpcStream(client: GrpcClient, method: string, ...args: readonly unknown[]): Call {
  const called = client[method];
  if (typeof called !== 'function') throw new Error(`No method ${method}`);
  return Reflect.apply(called, client, args);
}

const GRPC_CODES: Readonly<Record<number, number>> = { 400: 3, 401: 16, 403: 7, 503: 14 };

export const grpc: LinkKind = {
  title: 'gRPC',
  controllers: [GrpcController, StreamCallController],
  options: (port) => ({
    transport: Transport.GRPC,
    options: { package: 'guarded', protoPath, url: `127.0.0.1:${port}` },
  }),
  connect: async (port) => {
    const client = grpcClient(port);
    return link(
      (name, headers) =>
        new Observable((subscriber) => {
          const metadata = grpcMetadata(headers);
          if (name === 'Ticks') {
            const call = grpcStream(client, name, {}, metadata);
            call.on('data', (message) => subscriber.next(message));
            call.on('error', (error) => subscriber.error(error));
            call.on('end', () => subscriber.complete());
            return () => call.cancel();
          }
          grpcStream(client, name, {}, metadata, (error: unknown, message: unknown) => {
            if (error) subscriber.error(error);
            else subscriber.next(message);
            subscriber.complete();
          });
          return undefined;
        }),
      async () => client.close(),
    );
  },
  refused: (status) => ({ code: GRPC_CODES[status] }),
};
