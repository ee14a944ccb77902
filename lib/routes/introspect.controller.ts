import { Post, Req, Res, type Type } from '@nestjs/common';
import { OAuthError } from '../errors/oauth.error.js';
import { OidcService } from '../service/oidc.service.js';
import { bearerToken } from '../tokens/bearer-token.js';
import { Answers } from './answers.js';
import { Parameter, type RouteRequest, formOf } from './request-parameters.js';
import { RouteController } from './route-controller.js';
import { BrokerRouteInterceptor } from './route-errors.js';

class IntrospectionForm {
  @Parameter(16_384) readonly token: string | undefined;
  @Parameter(100) readonly token_type_hint: string | undefined;
}

export function introspectController(path: string): Type {
  @RouteController(path, BrokerRouteInterceptor)
  class IntrospectController {
    constructor(
      private readonly oidc: OidcService,
      private readonly answers: Answers,
    ) {}

    @Post()
    async introspect(@Req() request: RouteRequest, @Res() response: unknown): Promise<void> {
      const { token } = formOf(request, IntrospectionForm);
      if (token === undefined) throw new OAuthError('invalid_request', 'token is missing');
      const { headers, raw } = request;
      const rawHeaders = (raw ?? request).rawHeaders;
      const answer = await this.oidc.introspect(token, () => bearerToken(headers, rawHeaders));
      this.answers.json(response, answer);
    }
  }
  return IntrospectController;
}
