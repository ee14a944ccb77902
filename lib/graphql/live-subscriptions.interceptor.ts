import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { type Observable, map } from 'rxjs';
import { callerOf } from '../guard/caller.js';
import type { LiveCalls } from '../guard/live-calls.js';
import { EndingIterator } from './ending-iterator.js';

/** Ends subscriptions with the token that opened them. */
export class LiveSubscriptionsInterceptor implements NestInterceptor {
  constructor(private readonly live: LiveCalls) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType<string>() !== 'graphql') return next.handle();
    const identity = callerOf(context);
    if (!identity) return next.handle();
    return next.handle().pipe(
      map((result: unknown) => {
        if (!isAsyncIterable(result)) return result;
        const iterator = new EndingIterator(result[Symbol.asyncIterator]());
        iterator.onEnd = this.live.watch({ identity, end: () => iterator.end() });
        return iterator;
      }),
    );
  }
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
