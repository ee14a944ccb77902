import { Get, Req, Res, type Type } from '@nestjs/common';
import { OAuthError } from '../errors/oauth.error.js';
import { PAGE_HEADERS, logoutPage } from '../guard/pages.js';
import type { LogoutRequest } from '../logout/logout.js';
import { BrowserLogins } from '../service/browser-logins.js';
import { OidcService } from '../service/oidc.service.js';
import { presentedToken } from '../tokens/bearer-token.js';
import { Answers } from './answers.js';
import { Parameter, type RouteRequest, queryOf } from './request-parameters.js';
import { RouteController } from './route-controller.js';

export class LogoutQuery {
  @Parameter(2048) readonly post_logout_redirect_uri: string | undefined;
  @Parameter(1024) readonly state: string | undefined;
  @Parameter(32) readonly provider: string | undefined;
}

/** Only the query: relative to the page that is shown it means the same path, whatever a proxy has made of that. */
function actionOf(target: string): string {
  const start = target.indexOf('?');
  return start === -1 ? '?' : target.slice(start);
}

export function logoutRequestOf(request: RouteRequest): LogoutRequest {
  const query = queryOf(request, LogoutQuery);
  return {
    postLogoutRedirectUri: query.post_logout_redirect_uri,
    state: query.state,
    provider: query.provider,
  };
}

/** The request where it brings a token; anything else is a browser that has none. Two headers are an error. */
export function tokenRequestOf(request: RouteRequest): RouteRequest | undefined {
  try {
    presentedToken(request.headers, (request.raw ?? request).rawHeaders);
    return request;
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
      private readonly browsers: BrowserLogins,
      private readonly answers: Answers,
    ) {}

    @Get()
    async logout(@Req() request: RouteRequest, @Res() response: unknown): Promise<void> {
      const asked = logoutRequestOf(request);
      const caller = tokenRequestOf(request);
      if (caller === undefined && this.browsers.options !== undefined) {
        return this.#byCookie(asked, request, response);
      }
      this.answers.redirect(response, await this.oidc.logout(asked, caller));
    }

    /** A link on a page of anybody's leads to a page that asks first. */
    async #byCookie(asked: LogoutRequest, request: RouteRequest, response: unknown): Promise<void> {
      if (this.browsers.asksFirst(request.headers)) {
        const action = request.originalUrl ?? request.url ?? '';
        const headers = Object.entries(PAGE_HEADERS);
        this.answers.page(response, { status: 200, headers, body: logoutPage(actionOf(action)) });
        return;
      }
      const { location, cookies } = await this.browsers.logout(asked, request.headers);
      this.answers.redirect(response, location, cookies);
    }
  }
  return LogoutController;
}
