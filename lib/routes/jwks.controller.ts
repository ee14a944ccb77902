import { Get, Res, type Type } from '@nestjs/common';
import { OidcService } from '../service/oidc.service.js';
import { Answers } from './answers.js';
import { RouteController } from './route-controller.js';
import { PublicRouteInterceptor } from './route-errors.js';

export function jwksController(path: string): Type {
  @RouteController(path, PublicRouteInterceptor)
  class JwksController {
    constructor(
      private readonly oidc: OidcService,
      private readonly answers: Answers,
    ) {}

    @Get()
    async jwks(@Res() response: unknown): Promise<void> {
      this.answers.json(response, await this.oidc.jwks());
    }
  }
  return JwksController;
}
