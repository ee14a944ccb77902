import { Get, Param, Req, Res, type Type } from '@nestjs/common';
import { DEFAULT_PROVIDER } from '../options/resolve-provider.js';
import { HostFaults } from '../events/host-faults.js';
import { failureAnswer } from '../guard/failure-answer.js';
import { isPageVisit } from '../guard/login-redirects.js';
import { BrowserLogins } from '../service/browser-logins.js';
import { Answers } from './answers.js';
import {
  Parameter,
  type RouteRequest,
  clientOf,
  cookiesOf,
  queryOf,
} from './request-parameters.js';
import { RouteController } from './route-controller.js';
import { RouteRefusals } from './route-errors.js';

class CallbackQuery {
  @Parameter(8192) readonly code: string | undefined;
  @Parameter(12_288) readonly state: string | undefined;
  @Parameter(2048) readonly iss: string | undefined;
  @Parameter(100) readonly error: string | undefined;
}

/** As far as the query can be read at all. */
function stateOf(request: RouteRequest): string | undefined {
  try {
    return queryOf(request, CallbackQuery).state;
  } catch {
    return undefined;
  }
}

export function callbackController(path: string): Type {
  @RouteController(path)
  class CallbackController {
    constructor(
      private readonly browsers: BrowserLogins,
      private readonly answers: Answers,
      private readonly refusals: RouteRefusals,
      private readonly faults: HostFaults,
    ) {}

    @Get()
    async callback(@Req() request: RouteRequest, @Res() response: unknown): Promise<void> {
      return this.#finish(DEFAULT_PROVIDER, request, response);
    }

    @Get(':provider')
    async callbackOf(
      @Param('provider') provider: string,
      @Req() request: RouteRequest,
      @Res() response: unknown,
    ): Promise<void> {
      return this.#finish(provider, request, response);
    }

    async #finish(provider: string, request: RouteRequest, response: unknown): Promise<void> {
      try {
        await this.#conclude(provider, request, response);
      } catch (error) {
        const { options } = this.browsers;
        if (options === undefined || !isPageVisit(request)) throw error;
        const refusal = this.refusals.of(error, request, response);
        const retryUrl = await this.browsers.retryUrl(stateOf(request));
        const { error: code, description } = refusal;
        const failure = { status: refusal.getStatus(), error: code, description, retryUrl };
        this.answers.page(response, failureAnswer(failure, options, this.faults));
      }
    }

    async #conclude(provider: string, request: RouteRequest, response: unknown): Promise<void> {
      const { code, state, iss, error } = queryOf(request, CallbackQuery);
      const answer = { provider, code, state, iss, error, client: clientOf(request) };
      const { headers } = request;
      const end = await this.browsers.callback(answer, headers, cookiesOf(request));
      if ('tokens' in end) return this.answers.json(response, end.tokens, end.cookies);
      this.answers.seeOther(response, end.location, end.cookies);
    }
  }
  return CallbackController;
}
