import { Get, Res, type Type } from '@nestjs/common';
import { OidcService } from '../service/oidc.service.js';
import { Answers } from './answers.js';
import { RouteController } from './route-controller.js';
import { PublicRouteInterceptor } from './route-errors.js';

export function clientJwksController(path: string): Type {
  @RouteController(path, PublicRouteInterceptor)
  class ClientJwksController {
    constructor(
      private readonly oidc: OidcService,
      private readonly answers: Answers,
    ) {}

    @Get()
    async clientJwks(@Res() response: unknown): Promise<void> {
      this.answers.json(response, await this.oidc.clientJwks());
    }
  }
  return ClientJwksController;
}
