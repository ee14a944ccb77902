import { Get, Param, Req, Res, type Type } from '@nestjs/common';
import { DEFAULT_PROVIDER } from '../options/resolve-provider.js';
import { OidcService } from '../service/oidc.service.js';
import { Answers } from './answers.js';
import { Parameter, type RouteRequest, cookiesOf, queryOf } from './request-parameters.js';
import { RouteController } from './route-controller.js';

class CallbackQuery {
  @Parameter(8192) readonly code: string | undefined;
  @Parameter(12_288) readonly state: string | undefined;
  @Parameter(2048) readonly iss: string | undefined;
  @Parameter(100) readonly error: string | undefined;
}

export function callbackController(path: string): Type {
  @RouteController(path)
  class CallbackController {
    constructor(
      private readonly oidc: OidcService,
      private readonly answers: Answers,
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
      const { code, state, iss, error } = queryOf(request, CallbackQuery);
      const answer = { provider, code, state, iss, error };
      const { tokens, cookies } = await this.oidc.callback(answer, cookiesOf(request));
      this.answers.json(response, tokens, cookies);
    }
  }
  return CallbackController;
}
