import { Post, Req, Res, type Type } from '@nestjs/common';
import { OidcService } from '../grants/oidc.service.js';
import { Answers } from './answers.js';
import { Parameter, type RouteRequest, formOf } from './request-parameters.js';
import { RouteController } from './route-controller.js';

class DeviceForm {
  @Parameter(2048) readonly scope: string | undefined;
}

export function deviceController(path: string): Type {
  @RouteController(path)
  class DeviceController {
    constructor(
      private readonly oidc: OidcService,
      private readonly answers: Answers,
    ) {}

    @Post()
    async device(@Req() request: RouteRequest, @Res() response: unknown): Promise<void> {
      this.answers.json(response, await this.oidc.device(formOf(request, DeviceForm)));
    }
  }
  return DeviceController;
}
