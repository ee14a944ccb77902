import { Get, Req, Res, type Type } from '@nestjs/common';
import { IsIn, ValidateIf } from 'class-validator';
import { OidcService } from '../service/oidc.service.js';
import { Answers } from './answers.js';
import {
  Parameter,
  type RouteRequest,
  cookiesOf,
  furtherQueryOf,
  queryOf,
  requestOf,
} from './request-parameters.js';
import { RouteController } from './route-controller.js';

const YES = ['true', 'True', '1'];
const NO = ['false', 'False', '0'];

class LoginQuery {
  @Parameter(2048) readonly redirect_uri: string | undefined;
  @Parameter(2048) readonly return_to: string | undefined;
  @Parameter(100) readonly prompt: string | undefined;
  @Parameter(2048) readonly scope: string | undefined;
  @Parameter(128) readonly code_challenge: string | undefined;
  @Parameter(20) readonly code_challenge_method: string | undefined;
  @Parameter(128) readonly dpop_jkt: string | undefined;
  @Parameter(32) readonly provider: string | undefined;
  @Parameter(2048) readonly iss: string | undefined;
  @Parameter(2048) readonly target_link_uri: string | undefined;
  @Parameter(8192) readonly step_up: string | undefined;

  @ValidateIf((_, value: unknown) => value !== undefined)
  @IsIn([...YES, ...NO])
  readonly offline_access: string | undefined;
}

/** HEAD, and what browsers fetch before anybody asks for it. */
function isSpeculative({ method, headers }: RouteRequest): boolean {
  const purposes = [headers['sec-purpose'], headers['purpose'], headers['x-moz']].flat();
  return method === 'HEAD' || purposes.some((one) => /prefetch|prerender/i.test(one ?? ''));
}

export function loginController(path: string): Type {
  @RouteController(path)
  class LoginController {
    constructor(
      private readonly oidc: OidcService,
      private readonly answers: Answers,
    ) {}

    @Get()
    async login(@Req() request: RouteRequest, @Res() response: unknown): Promise<void> {
      const query = queryOf(request, LoginQuery);
      const { url, cookies } = await this.oidc.login(
        {
          redirectUri: query.redirect_uri,
          returnTo: query.return_to,
          prompt: query.prompt,
          scope: query.scope,
          offlineAccess: query.offline_access !== undefined && YES.includes(query.offline_access),
          codeChallenge: query.code_challenge,
          codeChallengeMethod: query.code_challenge_method,
          dpopJkt: query.dpop_jkt,
          provider: query.provider,
          iss: query.iss,
          targetLinkUri: query.target_link_uri,
          stepUp: query.step_up,
          parameters: furtherQueryOf(request, LoginQuery),
          speculative: isSpeculative(request),
          ...requestOf(request),
        },
        cookiesOf(request),
      );
      this.answers.redirect(response, url, cookies);
    }
  }
  return LoginController;
}
