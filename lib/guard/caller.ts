import type { ExecutionContext } from '@nestjs/common';
import type { IdTokenClaims } from '../tokens/id-token-claims.js';
import type { Identity } from '../tokens/identity.js';

/** Where the guard leaves who the caller is; `null` for anonymous callers. */
const CALLER = Symbol('verified caller');
/** What a connection of a gateway, or a message, holds for each handler, whose rules differ. */
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
 * may have different rules). A message of a microservice may reach several handlers, and a connection of a gateway outlives its messages, but
 * not its user: there it is the message, or the connection, for each handler.
 */
function carrierOf(context: ExecutionContext): unknown {
  const args: unknown[] = context.getArgs();
  switch (context.getType<string>()) {
    case 'graphql':
      return args[3] ?? args[2];
    case 'rpc':
      return ofHandler(messageOf(args), context.getHandler()) ?? messageOf(args); // filters know no handler
    case 'ws':
      return ofHandler(args[0], context.getHandler());
    default:
      return args[0];
  }
}

/** The context that a transport makes for each message; the call itself where gRPC hands over nothing else. */
function messageOf(args: readonly unknown[]): unknown {
  return typeof args[1] === 'object' && args[1] !== null ? args[1] : args[0];
}

function ofHandler(call: unknown, handler: unknown): Carrier | undefined {
  if (!isCarrier(call) || !isCarrier(handler)) return undefined;
  const handlers = (call[HANDLERS] ??= new WeakMap());
  const carrier = handlers.get(handler) ?? {};
  handlers.set(handler, carrier);
  return carrier;
}

/** Remembers who the caller of this call is. */
export function setCaller(context: ExecutionContext, caller: Caller): void {
  const carrier = carrierOf(context);
  if (isCarrier(carrier)) carrier[CALLER] = caller;
  const message = context.getType<string>() === 'rpc' ? messageOf(context.getArgs()) : undefined;
  if (isCarrier(message)) message[CALLER] = caller;
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
