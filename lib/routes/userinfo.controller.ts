import { Get, Req, Res, type Type } from '@nestjs/common';
import { OidcService } from '../service/oidc.service.js';
import { Answers } from './answers.js';
import type { RouteRequest } from './request-parameters.js';
import { RouteController } from './route-controller.js';

export function userinfoController(path: string): Type {
  @RouteController(path)
  class UserinfoController {
    constructor(
      private readonly oidc: OidcService,
      private readonly answers: Answers,
    ) {}

    @Get()
    async userinfo(@Req() request: RouteRequest, @Res() response: unknown): Promise<void> {
      this.answers.json(response, await this.oidc.userinfo(request));
    }
  }
  return UserinfoController;
}
