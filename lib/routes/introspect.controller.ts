import { Post, Req, Res, type Type } from '@nestjs/common';
import { OAuthError } from '../errors/oauth.error.js';
import { OidcService } from '../service/oidc.service.js';
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
      this.answers.json(response, await this.oidc.introspect(token, () => request));
    }
  }
  return IntrospectController;
}
