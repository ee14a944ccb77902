import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import { type Observable, of } from 'rxjs';
import { patternsOf } from '../guard/message-handlers.js';
import { isRecord } from '../options/value-rules.js';
import { RpcRefusal } from './rpc-refusal.js';

/** Where `@UseFilters()` leaves the filters of a handler. */
const FILTERS = '__exceptionFilters__';
/** What `@GrpcStreamCall()` leaves in a pattern. */
const PASS_THROUGH = 'pt_stream';

/** Ends a call of a `@GrpcStreamCall()` handler with a refusal. */
export function refuseStreamCall([call, callback]: readonly unknown[], refusal: RpcRefusal): void {
  const status = refusal.getError();
  if (typeof callback === 'function') callback(status);
  else if (isRecord(call) && typeof call['emit'] === 'function') call['emit']('error', status);
}

/**
 * Nest looks at no error of `@GrpcStreamCall()` handlers: its client would wait for ever, and the rejected promise that nobody handles would end
 * the process.
 */
@Catch(RpcRefusal)
export class StreamCallFilter implements ExceptionFilter<RpcRefusal> {
  catch(refusal: RpcRefusal, host: ArgumentsHost): Observable<unknown> {
    refuseStreamCall(host.getArgs(), refusal);
    return of(undefined);
  }

  /** Puts itself ahead of other filters on a handler that needs it. */
  static useOn(handler: Function): void {
    const passesThrough = patternsOf(handler).some(
      (pattern) => isRecord(pattern) && pattern['streaming'] === PASS_THROUGH,
    );
    if (!passesThrough) return;
    const filters: unknown = Reflect.getMetadata(FILTERS, handler);
    const others = (Array.isArray(filters) ? filters : []).filter(
      (one) => !(one instanceof StreamCallFilter),
    );
    Reflect.defineMetadata(FILTERS, [...others, new StreamCallFilter()], handler); // Nest asks the last one first
  }
}
