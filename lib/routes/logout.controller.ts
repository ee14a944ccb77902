import { Get, Req, Res, type Type } from '@nestjs/common';
import { OidcService } from '../grants/oidc.service.js';
import { Answers } from './answers.js';
import { Parameter, type RouteRequest, queryOf } from './request-parameters.js';
import { RouteController } from './route-controller.js';

class LogoutQuery {
  @Parameter(2048) readonly post_logout_redirect_uri: string | undefined;
  @Parameter(1024) readonly state: string | undefined;
}

export function logoutController(path: string): Type {
  @RouteController(path)
  class LogoutController {
    constructor(
      private readonly oidc: OidcService,
      private readonly answers: Answers,
    ) {}

    @Get()
    async logout(@Req() request: RouteRequest, @Res() response: unknown): Promise<void> {
      const query = queryOf(request, LogoutQuery);
      const url = await this.oidc.logout({
        postLogoutRedirectUri: query.post_logout_redirect_uri,
        state: query.state,
      });
      this.answers.redirect(response, url);
    }
  }
  return LogoutController;
}
