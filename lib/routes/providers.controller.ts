import { Get, Res, type Type } from '@nestjs/common';
import { OidcService } from '../service/oidc.service.js';
import { Answers } from './answers.js';
import { RouteController } from './route-controller.js';

export function providersController(path: string): Type {
  @RouteController(path)
  class ProvidersController {
    constructor(
      private readonly oidc: OidcService,
      private readonly answers: Answers,
    ) {}

    @Get()
    async providers(@Res() response: unknown): Promise<void> {
      this.answers.json(response, await this.oidc.providers());
    }
  }
  return ProvidersController;
}
