import {
  type ArgumentsHost,
  type CallHandler,
  Catch,
  type ExceptionFilter,
  type ExecutionContext,
  HttpException,
  Inject,
  Injectable,
  Logger,
  type NestInterceptor,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type Observable, catchError, defer } from 'rxjs';
import { describeError } from '../errors/describe-error.js';
import { OAuthError, type OAuthErrorCode } from '../errors/oauth.error.js';
import { brokerOptions } from '../grants/broker-only.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { Challenges } from '../tokens/challenge.js';
import { ANSWER_HEADERS, PUBLIC_HEADERS } from './answers.js';
import { formBody } from './form-body.js';
import type { RouteRequest } from './request-parameters.js';

const CODE_OF_STATUS: Readonly<Record<number, OAuthErrorCode>> = {
  401: 'invalid_token',
  403: 'access_denied',
  429: 'temporarily_unavailable',
  503: 'temporarily_unavailable',
};

/** A refusal is never cached, not even where the answer would have been. */
function setHeaders(
  { httpAdapter }: HttpAdapterHost,
  response: unknown,
  headers: readonly (readonly [name: string, value: string])[],
): void {
  httpAdapter.setHeader(response, 'Cache-Control', 'no-store');
  for (const [name, value] of headers) httpAdapter.setHeader(response, name, value);
}

/** Whatever went wrong as an {@link OAuthError}; a fault of ours is 500 `server_error`, and its kind is logged. */
function asOAuthError(error: unknown): OAuthError {
  if (error instanceof OAuthError) return error;
  const status = error instanceof HttpException ? error.getStatus() : 500;
  if (status >= 500 && status !== 503) {
    const reason = error instanceof Error ? describeError(error) : typeof error;
    new Logger('OidcAuth').error(`A route failed: ${reason}`);
  }
  const code = CODE_OF_STATUS[status] ?? (status >= 500 ? 'server_error' : 'invalid_request');
  return new OAuthError(code, `The request failed with status ${status}`, { status, cause: error });
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
    private readonly challenges: Challenges,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const response: unknown = context.switchToHttp().getResponse();
    // Also where a host routes to us in a way that the early checks do not know.
    for (const [name, value] of Object.entries(this.headers)) {
      this.adapterHost.httpAdapter.setHeader(response, name, value);
    }
    return next.handle().pipe(
      catchError((error: unknown) => {
        const refusal = asOAuthError(error);
        setHeaders(this.adapterHost, response, this.challenges.headersOf(refusal));
        throw refusal;
      }),
    );
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
    challenges: Challenges,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {
    super(adapterHost, challenges);
  }

  override intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const handle = () => {
      brokerOptions(this.options);
      return next.handle();
    };
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
    private readonly challenges: Challenges,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const response: unknown = host.switchToHttp().getResponse();
    const refusal = this.#refusal(error, host.switchToHttp().getRequest<RouteRequest>());
    setHeaders(this.adapterHost, response, this.challenges.headersOf(refusal));
    this.adapterHost.httpAdapter.reply(response, refusal.getResponse(), refusal.getStatus());
  }

  #refusal(error: unknown, request: RouteRequest): OAuthError {
    const refusal = asOAuthError(error);
    const busy = refusal.getStatus() === 429 || refusal.getStatus() === 503;
    if (!busy || !isDevicePoll(request)) return refusal;
    return new OAuthError('slow_down', 'Poll less often', { cause: error });
  }
}
