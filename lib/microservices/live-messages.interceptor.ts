import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import type { ApplicationConfig } from '@nestjs/core';
import { EventEmitter } from 'node:events';
import { Observable } from 'rxjs';
import { invalidToken } from '../errors/oauth.error.js';
import { callerOf } from '../guard/caller.js';
import { keepCurrentUser } from '../guard/current-user.js';
import type { LiveCalls } from '../guard/live-calls.js';
import type { Identity } from '../tokens/identity.js';
import { RpcRefusal, isStreamCall } from './rpc-refusal.js';
import { refuseStreamCall } from './stream-call.filter.js';

/** Where `@UseInterceptors()` leaves the interceptors of a class. */
const INTERCEPTORS = '__interceptors__';

/**
 * Keeps the current user while a message is handled, and ends answers that are streams with the token that asked for them. An answer of one
 * value is not a stream: whoever works on it for longer than the token lives may finish.
 */
export class LiveMessagesInterceptor implements NestInterceptor {
  constructor(
    private readonly application: ApplicationConfig,
    private readonly live: LiveCalls,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType<string>() !== 'rpc') return next.handle();
    const answer = keepCurrentUser(this.application, context, next);
    const identity = callerOf(context);
    if (!identity) return answer;
    const args: unknown[] = context.getArgs();
    if (!isStreamCall(args)) return this.#ending(answer, identity, args);
    const end = () => refuseStreamCall(args, ended(args));
    const [call] = args;
    if (call instanceof EventEmitter) call.once('close', this.live.watch({ identity, end }));
    return answer;
  }

  #ending(
    answer: Observable<unknown>,
    identity: Identity,
    args: readonly unknown[],
  ): Observable<unknown> {
    return new Observable((subscriber) => {
      let watched = false;
      const watch = () => {
        if (watched) return;
        watched = true;
        const end = () => subscriber.error(ended(args));
        subscriber.add(this.live.watch({ identity, end }));
      };
      if (streams(args)) watch();
      return answer.subscribe({
        next(value) {
          subscriber.next(value);
          watch(); // what has answered and goes on is a stream
        },
        error: (error: unknown) => subscriber.error(error),
        complete: () => subscriber.complete(),
      });
    });
  }
}

function ended(args: readonly unknown[]): RpcRefusal {
  return new RpcRefusal(invalidToken('it has ended'), args);
}

/** Whether gRPC says so: its calls of one answer cannot be written to. */
function streams([, , call]: readonly unknown[]): boolean {
  return typeof call === 'object' && call !== null && 'write' in call;
}

/** Puts it on classes, because Nest may leave out the interceptors of the whole application there. */
export function interceptClasses(
  classes: readonly object[],
  interceptor: LiveMessagesInterceptor,
): void {
  for (const type of classes) {
    const known: unknown = Reflect.getMetadata(INTERCEPTORS, type);
    const others = (Array.isArray(known) ? known : []).filter(
      (one) => !(one instanceof LiveMessagesInterceptor),
    );
    Reflect.defineMetadata(INTERCEPTORS, [interceptor, ...others], type);
  }
}
