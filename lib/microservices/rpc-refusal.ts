import type { ExecutionContext } from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';
import { OAuthError } from '../errors/oauth.error.js';
import { isRecord } from '../options/value-rules.js';
import { grpcMetadata } from './message-credentials.js';

/** Status codes of gRPC. */
const INTERNAL = 13;
const CODES: Readonly<Record<number, number>> = {
  400: 3, // INVALID_ARGUMENT
  401: 16, // UNAUTHENTICATED
  403: 7, // PERMISSION_DENIED
  503: 14, // UNAVAILABLE
};

/** A refusal that clients of a transport can read: the error body, or a status of gRPC with its text. */
export class RpcRefusal extends RpcException {
  override readonly name = 'RpcRefusal';

  constructor(refusal: OAuthError, args: readonly unknown[]) {
    const { description } = refusal;
    const code = CODES[refusal.getStatus()] ?? INTERNAL;
    const ofGrpc = grpcMetadata(args) !== undefined;
    super(ofGrpc ? { code, message: description } : refusal.getResponse());
    this.message = description;
  }
}

/** What `@GrpcStreamCall()` handlers are called with: they answer by the call itself, or by a callback. */
export function isStreamCall([call, callback]: readonly unknown[]): boolean {
  const context = typeof callback === 'object' && callback !== null;
  return !context && isRecord(call) && typeof call['emit'] === 'function';
}

/** What to throw in a context of messages. Nest logs what is no refusal; of `@GrpcStreamCall()` handlers, where it does not, the guard does. */
export function rpcRefusal(context: ExecutionContext, error: unknown): unknown {
  const args: unknown[] = context.getArgs();
  if (error instanceof OAuthError) return new RpcRefusal(error, args);
  if (!isStreamCall(args)) return error;
  return new RpcRefusal(new OAuthError('server_error', 'The call failed', { status: 500 }), args);
}
