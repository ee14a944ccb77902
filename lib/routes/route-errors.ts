import {
  type ArgumentsHost,
  type CallHandler,
  Catch,
  type ExceptionFilter,
  type ExecutionContext,
  HttpException,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type Observable, catchError, defer, lastValueFrom } from 'rxjs';
import { OAuthError } from '../errors/oauth.error.js';
import { HostFaults } from '../events/host-faults.js';
import { RefusalLog } from '../events/refusal-log.js';
import { Mode } from '../service/mode.js';
import { traced } from '../telemetry/telemetry.js';
import { Challenges } from '../tokens/challenge.js';
import { ANSWER_HEADERS, PUBLIC_HEADERS } from './answers.js';
import { formBody, notedProblem } from './form-body.js';
import { OwnRoutes } from './own-routes.js';
import type { RouteRequest } from './request-parameters.js';
import { toRefusal } from './to-refusal.js';

/** What one of our routes answers when something went wrong: tells the log, and sets the headers that go with it. */
@Injectable()
export class RouteRefusals {
  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly challenges: Challenges,
    private readonly routes: OwnRoutes,
    private readonly log: RefusalLog,
    private readonly faults: HostFaults,
  ) {}

  /** How logs and traces name what was asked for. */
  nameOf(request: RouteRequest): string {
    return this.routes.nameOf(request);
  }

  of(error: unknown, request: RouteRequest, response: unknown): OAuthError {
    const where = this.nameOf(request);
    const refusal = toRefusal(error, where, this.faults);
    this.log.report(where, refusal, 'refused');
    const { httpAdapter } = this.adapterHost;
    httpAdapter.setHeader(response, 'Cache-Control', 'no-store'); // not even where the answer would have been kept
    for (const [name, value] of this.challenges.headersOf(refusal, request.headers)) {
      httpAdapter.setHeader(response, name, value);
    }
    return refusal;
  }
}

/**
 * Sets our headers, and turns what our handlers throw into {@link OAuthError}s, which then take the host's own way of answering
 * errors.
 */
@Injectable()
export class RouteInterceptor implements NestInterceptor {
  protected readonly headers: Readonly<Record<string, string>> = ANSWER_HEADERS;

  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly refusals: RouteRefusals,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const http = context.switchToHttp();
    const request = http.getRequest<RouteRequest>();
    const response: unknown = http.getResponse();
    // Also where a host routes to us in a way that the early checks do not know.
    for (const [name, value] of Object.entries(this.headers)) {
      this.adapterHost.httpAdapter.setHeader(response, name, value);
    }
    const answer = defer(() => {
      const problem = notedProblem(request);
      if (problem !== undefined) throw problem;
      return next.handle();
    }).pipe(
      catchError((error: unknown) => {
        throw this.refusals.of(error, request, response);
      }),
    );
    const work = () => lastValueFrom(answer, { defaultValue: undefined });
    return defer(() => traced(this.refusals.nameOf(request), {}, work));
  }
}

/** The same for public documents, which may be cached. */
@Injectable()
export class PublicRouteInterceptor extends RouteInterceptor {
  protected override readonly headers: Readonly<Record<string, string>> = PUBLIC_HEADERS;
}

/** The same for routes that passthrough mode lacks: 404 there, whatever the request holds. */
@Injectable()
export class BrokerRouteInterceptor extends RouteInterceptor {
  constructor(
    adapterHost: HttpAdapterHost,
    refusals: RouteRefusals,
    private readonly mode: Mode,
  ) {
    super(adapterHost, refusals);
  }

  override intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const handle = () => this.mode.brokerOnly && next.handle();
    return super.intercept(context, { handle: () => defer(handle) });
  }
}

/** Matches everything but {@link OAuthError}, which hosts may catch themselves. */
abstract class ForeignError {
  static [Symbol.hasInstance](error: unknown): boolean {
    return !(error instanceof OAuthError);
  }
}

function isDevicePoll(request: RouteRequest): boolean {
  try {
    const form = formBody(request);
    return typeof form === 'string' && /(^|&)device[-_]code=/.test(form);
  } catch {
    return false; // no form at all
  }
}

/**
 * Gives our error body to what is thrown before our handlers run: a throttler's 429, a parser's 413. A device client
 * that polls is told to slow down instead, because it gives up on everything else (RFC 8628 §3.5).
 */
@Catch(ForeignError)
export class ForeignErrorFilter implements ExceptionFilter {
  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly refusals: RouteRefusals,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const response: unknown = host.switchToHttp().getResponse();
    const request = host.switchToHttp().getRequest<RouteRequest>();
    const status = error instanceof HttpException ? error.getStatus() : 500;
    const slowDown = (status === 429 || status === 503) && isDevicePoll(request);
    const answer = slowDown
      ? new OAuthError('slow_down', 'Poll less often', { cause: error })
      : error;
    const refusal = this.refusals.of(answer, request, response);
    this.adapterHost.httpAdapter.reply(response, refusal.getResponse(), refusal.getStatus());
  }
}
