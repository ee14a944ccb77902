import type { ExecutionContext } from '@nestjs/common';
import type { IdTokenClaims } from '../tokens/id-token-claims.js';
import type { Identity } from '../tokens/identity.js';

/** Where the guard leaves who the caller is; `null` for anonymous callers. */
const CALLER = Symbol('verified caller');
/** What a connection holds for each handler of a gateway, whose rules differ. */
const HANDLERS = Symbol('callers by handler');

type Caller = Identity | null;

interface Carrier {
  [CALLER]?: Caller;
  [HANDLERS]?: WeakMap<object, Carrier>;
}

function isCarrier(value: unknown): value is Carrier {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

/**
 * The object that lives as long as one call: the request over HTTP, the field's own `info` in GraphQL (several resolvers of one request
 * may have different rules), the context that a transport makes for each message. A connection of a gateway outlives its
 * messages, but not its user: there it is the connection, for each handler.
 */
function carrierOf(context: ExecutionContext): unknown {
  const args: unknown[] = context.getArgs();
  switch (context.getType<string>()) {
    case 'graphql':
      return args[3] ?? args[2];
    case 'rpc':
      return args[1];
    case 'ws':
      return ofHandler(args[0], context.getHandler());
    default:
      return args[0];
  }
}

function ofHandler(connection: unknown, handler: object): Carrier | undefined {
  if (!isCarrier(connection)) return undefined;
  const handlers = (connection[HANDLERS] ??= new WeakMap());
  const carrier = handlers.get(handler) ?? {};
  handlers.set(handler, carrier);
  return carrier;
}

/** Remembers who the caller of this call is. */
export function setCaller(context: ExecutionContext, caller: Caller): void {
  const carrier = carrierOf(context);
  if (isCarrier(carrier)) carrier[CALLER] = caller;
}

/** Everybody is anonymous on a request whose guard was taken away by a test. */
export function markAnonymous(request: object): void {
  Object.assign(request, { [CALLER]: null });
}

/** `null` for an anonymous caller, `undefined` when no guard has looked at the call. */
export function callerOf(source: ExecutionContext | object): Caller | undefined {
  const carrier = isContext(source) ? carrierOf(source) : source;
  return isCarrier(carrier) ? carrier[CALLER] : undefined;
}

function isContext(source: object): source is ExecutionContext {
  return 'getHandler' in source && 'getArgs' in source;
}

/**
 * The caller's verified claims, for interceptors, guards and filters that run after the guard: of an `ExecutionContext` of any
 * kind, or of a request of Express or Fastify. `undefined` for anonymous callers, and where no guard has run.
 */
export function verifiedClaims(source: ExecutionContext | object): IdTokenClaims | undefined {
  return callerOf(source)?.claims;
}
