import { Get, Req, Res, type Type } from '@nestjs/common';
import { OAuthError } from '../errors/oauth.error.js';
import { OidcService } from '../service/oidc.service.js';
import { bearerToken } from '../tokens/bearer-token.js';
import { Answers } from './answers.js';
import { Parameter, type RouteRequest, queryOf } from './request-parameters.js';
import { RouteController } from './route-controller.js';

class LogoutQuery {
  @Parameter(2048) readonly post_logout_redirect_uri: string | undefined;
  @Parameter(1024) readonly state: string | undefined;
  @Parameter(32) readonly provider: string | undefined;
}

/** A token that is there; anything else is a browser that has none. Two headers are an error. */
function accessTokenOf(request: RouteRequest): string | undefined {
  try {
    return bearerToken(request.headers, (request.raw ?? request).rawHeaders);
  } catch (error) {
    if (error instanceof OAuthError && error.error === 'invalid_token') return undefined;
    throw error;
  }
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
      const url = await this.oidc.logout(
        {
          postLogoutRedirectUri: query.post_logout_redirect_uri,
          state: query.state,
          provider: query.provider,
        },
        accessTokenOf(request),
      );
      this.answers.redirect(response, url);
    }
  }
  return LogoutController;
}
