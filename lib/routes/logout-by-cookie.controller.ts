import { Post, Req, Res, type Type } from '@nestjs/common';
import { BrowserLogins } from '../service/browser-logins.js';
import { OidcService } from '../service/oidc.service.js';
import { headerOf } from '../tokens/session-cookie.js';
import { Answers } from './answers.js';
import { tokenRequestOf, logoutRequestOf } from './logout.controller.js';
import type { RouteRequest } from './request-parameters.js';
import { RouteController } from './route-controller.js';

/** Whether a page's script asks, which sends the browser itself. */
function wantsJson({ headers }: RouteRequest): boolean {
  return /^\s*application\/json\s*(;|,|$)/i.test(headerOf(headers, 'accept') ?? '');
}

export function logoutByCookieController(path: string): Type {
  @RouteController(path)
  class LogoutByCookieController {
    constructor(
      private readonly browsers: BrowserLogins,
      private readonly oidc: OidcService,
      private readonly answers: Answers,
    ) {}

    @Post()
    async logout(@Req() request: RouteRequest, @Res() response: unknown): Promise<void> {
      const asked = logoutRequestOf(request);
      const caller = tokenRequestOf(request);
      const { location, cookies } =
        caller === undefined || this.browsers.options === undefined
          ? await this.browsers.logout(asked, request.headers)
          : { location: await this.oidc.logout(asked, caller), cookies: [] };
      if (wantsJson(request)) return this.answers.json(response, { location }, cookies);
      this.answers.seeOther(response, location, cookies);
    }
  }
  return LogoutByCookieController;
}
