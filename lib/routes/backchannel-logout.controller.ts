import { Post, Req, Res, type Type } from '@nestjs/common';
import { OAuthError } from '../errors/oauth.error.js';
import { OidcService } from '../service/oidc.service.js';
import { Answers } from './answers.js';
import { Parameter, type RouteRequest, formOf } from './request-parameters.js';
import { RouteController } from './route-controller.js';
import { BrokerRouteInterceptor } from './route-errors.js';

class LogoutForm {
  @Parameter(16_384) readonly logout_token: string | undefined;
}

export function backchannelLogoutController(path: string): Type {
  @RouteController(path, BrokerRouteInterceptor)
  class BackchannelLogoutController {
    constructor(
      private readonly oidc: OidcService,
      private readonly answers: Answers,
    ) {}

    @Post()
    async logout(@Req() request: RouteRequest, @Res() response: unknown): Promise<void> {
      const { logout_token: token } = formOf(request, LogoutForm);
      if (token === undefined) throw new OAuthError('invalid_request', 'logout_token is missing');
      await this.oidc.backchannelLogout(token);
      this.answers.json(response, {});
    }
  }
  return BackchannelLogoutController;
}
