import { credentials, loadPackageDefinition, Metadata } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { headers as natsHeaders } from '@nats-io/transport-node';
import type { Type } from '@nestjs/common';
import {
  type ClientProxy,
  ClientProxyFactory,
  type MicroserviceOptions,
  MqttRecordBuilder,
  NatsRecordBuilder,
  type ReadPacket,
  RmqRecordBuilder,
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

/** Nest's own client; how headers are sent differs. */
async function connectByNest(
  client: ClientProxy,
  withHeaders: (headers: Record<string, string>) => unknown,
): Promise<Link> {
  await client.connect();
  return link(
    (name, headers) =>
      new Observable((subscriber) => client.send(name, withHeaders(headers)).subscribe(subscriber)),
    async () => client.close(),
    (name, headers) => void client.emit(name, withHeaders(headers)),
  );
}

/** A client that sends headers as metadata. */
async function connectWithMetadata(client: ClientProxy): Promise<Link> {
  let next: Record<string, string> = {};
  client.setOnDispatchHook((packet: ReadPacket) => {
    packet.metadata = next;
  });
  return connectByNest(client, (headers) => {
    next = headers;
    return { text: '' };
  });
}

const body = (statusCode: number, error: string) => ({ statusCode, error });

export const tcp: LinkKind = {
  title: 'TCP',
  controllers: [MessageController],
  options: (port) => ({ transport: Transport.TCP, options: { host: '127.0.0.1', port } }),
  connect: async (port) =>
    connectWithMetadata(
      ClientProxyFactory.create({ transport: Transport.TCP, options: { host: '127.0.0.1', port } }),
    ),
  refused: body,
};

export const redis: LinkKind = {
  title: 'Redis',
  controllers: [MessageController],
  options: (port) => ({ transport: Transport.REDIS, options: { host: '127.0.0.1', port } }),
  connect: async (port) =>
    connectWithMetadata(
      ClientProxyFactory.create({
        transport: Transport.REDIS,
        options: { host: '127.0.0.1', port },
      }),
    ),
  refused: body,
};

const natsOptions = (port: number) => ({
  transport: Transport.NATS as const,
  options: { servers: [`nats://127.0.0.1:${port}`] },
});

export const nats: LinkKind = {
  title: 'NATS',
  controllers: [MessageController],
  options: natsOptions,
  connect: async (port) =>
    connectByNest(ClientProxyFactory.create(natsOptions(port)), (given) => {
      const sent = natsHeaders();
      for (const [name, value] of Object.entries(given)) sent.set(name, value);
      return new NatsRecordBuilder({ text: '' }).setHeaders(sent).build();
    }),
  refused: body,
};

const mqttOptions = (port: number) => ({
  transport: Transport.MQTT as const,
  options: { url: `mqtt://127.0.0.1:${port}`, protocolVersion: 5 as const },
});

export const mqtt: LinkKind = {
  title: 'MQTT',
  controllers: [MessageController],
  options: mqttOptions,
  connect: async (port) =>
    connectByNest(ClientProxyFactory.create(mqttOptions(port)), (userProperties) => {
      const record = new MqttRecordBuilder({ text: '' });
      // Its driver loses messages whose properties are there and empty.
      if (Object.keys(userProperties).length > 0) record.setProperties({ userProperties });
      return record.build();
    }),
  refused: body,
};

const rabbitmqOptions = (port: number) => ({
  transport: Transport.RMQ as const,
  options: {
    urls: [`amqp://127.0.0.1:${port}`],
    queue: 'oidc-test',
    queueOptions: { durable: false },
  },
});

export const rabbitmq: LinkKind = {
  title: 'RabbitMQ',
  controllers: [MessageController],
  options: rabbitmqOptions,
  connect: async (port) =>
    connectByNest(ClientProxyFactory.create(rabbitmqOptions(port)), (headers) =>
      new RmqRecordBuilder({ text: '' }).setOptions({ headers }).build(),
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
