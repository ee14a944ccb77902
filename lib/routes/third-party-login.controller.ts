import { Post, Req, Res, type Type } from '@nestjs/common';
import { OAuthError } from '../errors/oauth.error.js';
import { Reason, type ReasonDetails } from '../errors/reason.js';
import { PublicUrls } from '../options/public-urls.js';
import { Answers } from './answers.js';
import { Parameter, type RouteRequest, formOf } from './request-parameters.js';
import { RouteController } from './route-controller.js';

class ThirdPartyForm {
  @Parameter(2048) readonly iss: string | undefined;
  @Parameter(512) readonly login_hint: string | undefined;
  @Parameter(2048) readonly target_link_uri: string | undefined;
  @Parameter(32) readonly provider: string | undefined;
}

function refused(text: string, details: ReasonDetails): OAuthError {
  const cause = new Reason(text, details);
  return new OAuthError('invalid_request', text, { cause });
}

/**
 * A login that another site begins by POST (OpenID Connect Core §4). The browser is sent on to the same login by GET: the cookies of the logins under way and of
 * its session come with that, and not with a form of another site.
 */
export function thirdPartyLoginController(path: string): Type {
  @RouteController(path)
  class ThirdPartyLoginController {
    constructor(
      private readonly urls: PublicUrls,
      private readonly answers: Answers,
    ) {}

    @Post()
    async login(@Req() request: RouteRequest, @Res() response: unknown): Promise<void> {
      if (!this.urls.hasBrowserSessions) {
        throw refused('there are no logins here that others begin', { option: '"session"' });
      }
      const form = formOf(request, ThirdPartyForm);
      if (form.iss === undefined) throw refused('iss is missing', { anchor: 'reason-is-missing' });
      const given = Object.entries(form).filter(([, value]) => value !== undefined);
      const query = new URLSearchParams(given).toString();
      this.answers.seeOther(response, `${this.urls.url('login') ?? ''}?${query}`);
    }
  }
  return ThirdPartyLoginController;
}
