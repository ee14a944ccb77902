import { Metadata } from '@grpc/grpc-js';
import {
  KafkaContext,
  MqttContext,
  NatsContext,
  RedisContext,
  RmqContext,
  TcpContext,
} from '@nestjs/microservices';
import { describe, expect, it } from 'vitest';

import { messageCredentials } from '../../../lib/microservices/message-credentials.js';
import { presentedToken } from '../../../lib/tokens/bearer-token.js';

type Header = readonly [name: string, value: string];

/** Headers as drivers of NATS have them: names are told apart by case, and may be there more than once. */
class NatsHeaders {
  constructor(private readonly headers: readonly Header[]) {}

  keys(): string[] {
    return [...new Set(this.headers.map(([name]) => name))];
  }

  values(name: string): string[] {
    return this.headers.flatMap(([key, value]) => (key === name ? [value] : []));
  }

  get(name: string): string {
    return this.values(name)[0] ?? '';
  }
}

/** Repeated headers become lists, as in user properties of MQTT and headers of Kafka. */
function record(headers: readonly Header[], coded: (value: string) => unknown): object {
  const all: Record<string, unknown> = {};
  for (const [name, value] of headers) {
    all[name] = name in all ? [all[name], coded(value)] : coded(value);
  }
  return all;
}

/** A context of Nest's, whose types want more than matters here. */
function context<T>(Context: new (args: never) => T, ...args: unknown[]): T {
  return Reflect.construct(Context, [args]);
}

function metadata(headers: readonly Header[]): Metadata {
  const made = new Metadata();
  for (const [name, value] of headers) made.add(name, value);
  return made;
}

const text = (value: string) => value;
const rabbit = (headers: unknown) => context(RmqContext, { properties: { headers } });
const kafka = (headers: unknown) => context(KafkaContext, { key: null, value: {}, headers });

/** What handlers are called with, by transport. */
const transports: Record<string, (headers: readonly Header[]) => unknown[]> = {
  TCP: (headers) => [{}, context(TcpContext, {}, 'p', record(headers, text))],
  Redis: (headers) => [{}, context(RedisContext, 'p', record(headers, text))],
  NATS: (headers) => [{}, context(NatsContext, 'p', new NatsHeaders(headers))],
  MQTT: (headers) => [
    {},
    context(MqttContext, 'p', { properties: { userProperties: record(headers, text) } }),
  ],
  RabbitMQ: (headers) => [{}, rabbit(record(headers, text))],
  'RabbitMQ, bytes': (headers) => [{}, rabbit(record(headers, (value) => Buffer.from(value)))],
  Kafka: (headers) => [{}, kafka(record(headers, text))],
  'Kafka, bytes': (headers) => [{}, kafka(record(headers, (value) => Buffer.from(value)))],
  gRPC: (headers) => [{}, metadata(headers), {}],
  'gRPC, the call as it is': (headers) => [{ metadata: metadata(headers) }, () => undefined],
};

const tokenOf = (args: readonly unknown[]): string =>
  presentedToken(messageCredentials(args).headers).token;

describe.each(Object.keys(transports))('the credentials of a message over %s', (name) => {
  const args = (...headers: Header[]): unknown[] => transports[name]?.(headers) ?? [];

  it.each(['authorization', 'Authorization', 'AUTHORIZATION'])('are its header %s', (header) => {
    expect(tokenOf(args(['x-other', 'Bearer of-another'], [header, 'Bearer abc']))).toBe('abc');
  });

  it('are none without that header', () => {
    const others: Header[] = [
      ['x-other', 'Bearer abc'],
      ['proxy-authorization', 'Bearer abc'],
    ];
    expect(() => tokenOf(args())).toThrow('A bearer token is required');
    expect(() => tokenOf(args(...others))).toThrow('A bearer token is required');
  });

  it('are refused when there are two', () => {
    expect(() =>
      tokenOf(args(['authorization', 'Bearer abc'], ['authorization', 'Bearer def'])),
    ).toThrow(/more than one/);
  });
});

describe('the credentials of a message', () => {
  it.each<[string, unknown[]]>([
    ['nothing', []],
    ['no context', [{ headers: { authorization: 'Bearer abc' } }]],
    [
      'data that looks like headers',
      [{ authorization: 'Bearer abc', metadata: { authorization: 'Bearer abc' } }, {}],
    ],
    ['no headers of NATS', [{}, context(NatsContext, 'p', undefined)]],
    ['no properties of MQTT', [{}, context(MqttContext, 'p', {})]],
    ['metadata that is a list', [{}, context(RedisContext, 'p', ['Bearer abc'])]],
    ['a value that is no text', [{}, rabbit({ authorization: { toString: () => 'Bearer abc' } })]],
    ['a number', [{}, kafka({ authorization: 7 })]],
  ])('are none where there is %s', (_, args) => {
    expect(() => tokenOf(args)).toThrow('A bearer token is required');
  });

  it('are found in headers of NATS that can only be asked by name', () => {
    const headers = {
      get: (name: string) => (name === 'authorization' ? 'Bearer abc' : undefined),
    };
    expect(tokenOf([{}, context(NatsContext, 'p', headers)])).toBe('abc');
  });
});
