import { Post, Req, Res, type Type } from '@nestjs/common';
import { OAuthError } from '../errors/oauth.error.js';
import { OidcService } from '../service/oidc.service.js';
import { Answers } from './answers.js';
import { Parameter, type RouteRequest, formOf } from './request-parameters.js';
import { RouteController } from './route-controller.js';

class RevokeForm {
  @Parameter(16_384) readonly token: string | undefined;
  @Parameter(100) readonly token_type_hint: string | undefined;
  @Parameter(32) readonly provider: string | undefined;
}

export function revokeController(path: string): Type {
  @RouteController(path)
  class RevokeController {
    constructor(
      private readonly oidc: OidcService,
      private readonly answers: Answers,
    ) {}

    @Post()
    async revoke(@Req() request: RouteRequest, @Res() response: unknown): Promise<void> {
      const { token, token_type_hint: hint, provider } = formOf(request, RevokeForm);
      if (token === undefined) throw new OAuthError('invalid_request', 'token is missing');
      await this.oidc.revoke(token, hint, provider);
      this.answers.json(response, {});
    }
  }
  return RevokeController;
}
