import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { OAuthError } from '../errors/oauth.error.js';

/** What a browser gets in place of a 401. */
export interface DemandedAnswer {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/** A refusal that a browser is answered with a login, or with a page that says why there is none. */
export class LoginDemand extends OAuthError {
  constructor(
    refusal: OAuthError,
    readonly answer: DemandedAnswer,
  ) {
    super(refusal.error, refusal.description, { status: 401, cause: refusal.cause });
  }
}

/** Answers a {@link LoginDemand} whatever filters the host has for errors: nothing has gone wrong. */
@Catch(LoginDemand)
export class LoginDemandFilter implements ExceptionFilter<LoginDemand> {
  constructor(private readonly adapterHost: HttpAdapterHost) {}

  catch({ answer }: LoginDemand, host: ArgumentsHost): void {
    const { httpAdapter } = this.adapterHost;
    const response: unknown = host.switchToHttp().getResponse();
    for (const [name, value] of answer.headers) httpAdapter.appendHeader(response, name, value);
    httpAdapter.reply(response, answer.body, answer.status);
  }
}
