import { Post, Req, Res, type Type } from '@nestjs/common';
import { proofsOf } from '../dpop/proof-header.js';
import { OidcService } from '../service/oidc.service.js';
import { Answers } from './answers.js';
import { Parameter, type RouteRequest, clientOf, cookiesOf, formOf } from './request-parameters.js';
import { RouteController } from './route-controller.js';

class TokenForm {
  @Parameter(200) readonly grant_type: string | undefined;
  @Parameter(8192) readonly code: string | undefined;
  @Parameter(2048) readonly redirect_uri: string | undefined;
  @Parameter(8192) readonly code_verifier: string | undefined;
  @Parameter(12_288) readonly state: string | undefined;
  @Parameter(2048) readonly iss: string | undefined;
  @Parameter(16_384) readonly refresh_token: string | undefined;
  @Parameter(8192) readonly device_code: string | undefined;
  @Parameter(16_384) readonly subject_token: string | undefined;
  @Parameter(200) readonly subject_token_type: string | undefined;
  @Parameter(200) readonly requested_token_type: string | undefined;
  @Parameter(16_384) readonly actor_token: string | undefined;
  @Parameter(2048) readonly audience: string | undefined;
  @Parameter(2048) readonly resource: string | undefined;
  @Parameter(2048) readonly scope: string | undefined;
}

export function tokenController(path: string): Type {
  @RouteController(path)
  class TokenController {
    constructor(
      private readonly oidc: OidcService,
      private readonly answers: Answers,
    ) {}

    @Post()
    async token(@Req() request: RouteRequest, @Res() response: unknown): Promise<void> {
      const form = formOf(request, TokenForm);
      const { tokens, cookies, dpopNonce } = await this.oidc.token(
        {
          grantType: form.grant_type,
          code: form.code,
          redirectUri: form.redirect_uri,
          codeVerifier: form.code_verifier,
          state: form.state,
          iss: form.iss,
          refreshToken: form.refresh_token,
          deviceCode: form.device_code,
          subjectToken: form.subject_token,
          subjectTokenType: form.subject_token_type,
          requestedTokenType: form.requested_token_type,
          actorToken: form.actor_token,
          audience: form.audience,
          resource: form.resource,
          scope: form.scope,
          client: clientOf(request),
          dpopProofs: proofsOf(request.headers, (request.raw ?? request).rawHeaders),
        },
        cookiesOf(request),
      );
      if (dpopNonce !== undefined) this.answers.header(response, 'DPoP-Nonce', dpopNonce);
      this.answers.json(response, tokens, cookies);
    }
  }
  return TokenController;
}
