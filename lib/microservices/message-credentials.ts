import { isRecord } from '../options/value-rules.js';
import type { Credentials } from '../tokens/identity.js';

/** What a transport's headers say under a name, in the form of each transport. */
type Values = readonly unknown[];

/** Headers of a message, whatever class the driver has for them. */
type Named = readonly (readonly [name: string, values: Values])[];

function call(holder: unknown, method: string, ...args: readonly unknown[]): unknown {
  const found: unknown = isObject(holder) ? Reflect.get(holder, method) : undefined;
  return typeof found === 'function' ? Reflect.apply(found, holder, args) : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function asValues(value: unknown): Values {
  return Array.isArray(value) ? value : [value];
}

/** Headers in a plain object: of RabbitMQ, Kafka and MQTT, metadata of TCP and Redis. */
function ofRecord(headers: unknown): Named {
  return isRecord(headers)
    ? Object.entries(headers).map(([name, value]) => [name, asValues(value)])
    : [];
}

/** Headers of NATS, whose names are told apart by case. */
function ofNats(headers: unknown): Named {
  const keys = call(headers, 'keys');
  const names = isIterable(keys) ? [...keys].filter((key) => typeof key === 'string') : undefined;
  return (names ?? ['authorization']).map((name) => {
    const values = call(headers, 'values', name);
    return [name, Array.isArray(values) ? values : [call(headers, 'get', name)]];
  });
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return isObject(value) && Symbol.iterator in value;
}

function member(holder: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((value, name) => (isRecord(value) ? value[name] : undefined), holder);
}

function isMetadata(value: unknown): value is object {
  return isObject(value) && 'getMap' in value && typeof value.getMap === 'function';
}

/** The metadata of a call of gRPC; `undefined` for other transports. */
export function grpcMetadata([first, second]: readonly unknown[]): object | undefined {
  if (isMetadata(second)) return second;
  const ofCall = isObject(first) && 'metadata' in first ? first.metadata : undefined;
  return isMetadata(ofCall) ? ofCall : undefined;
}

function headersOf(args: readonly unknown[]): Named {
  const metadata = grpcMetadata(args);
  if (metadata !== undefined) {
    return [['authorization', asValues(call(metadata, 'get', 'authorization'))]];
  }
  const context = args[1];
  const message = call(context, 'getMessage');
  return [
    ...ofRecord(call(context, 'getMetadata')), // TCP, Redis
    ...ofNats(call(context, 'getHeaders')),
    ...ofRecord(member(call(context, 'getPacket'), 'properties', 'userProperties')), // MQTT
    ...ofRecord(member(message, 'properties', 'headers')), // RabbitMQ
    ...ofRecord(member(message, 'headers')), // Kafka
  ];
}

function asText(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return Buffer.isBuffer(value) ? [value.toString()] : [];
}

/** What a message brings under `authorization`, in any case, in the headers or the metadata of its transport. */
export function messageCredentials(args: readonly unknown[]): Credentials {
  const authorization = headersOf(args)
    .filter(([name]) => name.toLowerCase() === 'authorization')
    .flatMap(([, values]) => values.flatMap(asText));
  return { headers: { authorization } };
}
