import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { OAuthError } from '../errors/oauth.error.js';
import { HostFaults } from '../events/host-faults.js';
import { failureAnswer, ownFailureAnswer } from '../guard/failure-answer.js';
import type { DemandedAnswer } from '../guard/login-demand.js';
import { isPageVisit, opensPage } from '../guard/login-redirects.js';
import { BrowserLogins } from '../service/browser-logins.js';
import { Answers } from './answers.js';
import {
  Parameter,
  type RouteRequest,
  clientOf,
  cookiesOf,
  formOf,
  queryOf,
} from './request-parameters.js';
import { RouteRefusals } from './route-errors.js';

class CallbackParameters {
  @Parameter(8192) readonly code: string | undefined;
  @Parameter(12_288) readonly state: string | undefined;
  @Parameter(2048) readonly iss: string | undefined;
  @Parameter(100) readonly error: string | undefined;
}

/** How the answer of a provider came: in the address, or as a form. */
export type CallbackMethod = 'GET' | 'POST';

function parametersOf(request: RouteRequest, method: CallbackMethod): CallbackParameters {
  return method === 'POST'
    ? formOf(request, CallbackParameters)
    : queryOf(request, CallbackParameters);
}

/** As far as the answer can be read at all. */
function stateOf(request: RouteRequest, method: CallbackMethod): string | undefined {
  try {
    return parametersOf(request, method).state;
  } catch {
    return undefined;
  }
}

/** What our callbacks answer, however the browser came. */
@Injectable()
export class CallbackEnd {
  constructor(
    private readonly browsers: BrowserLogins,
    private readonly answers: Answers,
    private readonly refusals: RouteRefusals,
    private readonly faults: HostFaults,
    private readonly adapterHost: HttpAdapterHost,
  ) {}

  /** @param provider at whose callback it arrived. */
  async finish(
    provider: string,
    method: CallbackMethod,
    request: RouteRequest,
    response: unknown,
  ): Promise<void> {
    try {
      await this.#conclude(provider, method, request, response);
    } catch (error) {
      if (error instanceof OAuthError && error.getStatus() === 405) {
        const allowed = method === 'GET' ? 'POST' : 'GET'; // RFC 9110 §15.5.6
        this.adapterHost.httpAdapter.setHeader(response, 'Allow', allowed);
      }
      const wantsPage = method === 'GET' ? isPageVisit(request) : opensPage(request);
      if (!wantsPage) throw error;
      const refusal = this.refusals.of(error, request, response);
      this.answers.page(response, await this.#failed(refusal, stateOf(request, method)));
    }
  }

  /** A page in place of JSON, for a person who cannot read that. */
  async #failed(refusal: OAuthError, state: string | undefined): Promise<DemandedAnswer> {
    const { options } = this.browsers;
    const failure = {
      status: refusal.getStatus(),
      error: refusal.error,
      description: refusal.description,
    };
    if (options === undefined) {
      const retryUrl = await this.browsers.retryUrlForTokens(state);
      return ownFailureAnswer({ ...failure, retryUrl });
    }
    const retryUrl = await this.browsers.retryUrl(state);
    return failureAnswer({ ...failure, retryUrl }, options, this.faults);
  }

  async #conclude(
    provider: string,
    method: CallbackMethod,
    request: RouteRequest,
    response: unknown,
  ): Promise<void> {
    const { code, state, iss, error } = parametersOf(request, method);
    const client = clientOf(request);
    const answer = { provider, code, state, iss, error, client, formPost: method === 'POST' };
    const end = await this.browsers.callback(answer, request.headers, cookiesOf(request));
    if ('tokens' in end) return this.answers.json(response, end.tokens, end.cookies);
    this.answers.seeOther(response, end.location, end.cookies);
  }
}
