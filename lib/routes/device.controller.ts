import { Post, Req, Res, type Type } from '@nestjs/common';
import { noDeviceLogins } from '../grants/device-code.grant.js';
import { OidcService } from '../service/oidc.service.js';
import { Answers } from './answers.js';
import { Parameter, type RouteRequest, formOf, requestOf } from './request-parameters.js';
import { RouteController } from './route-controller.js';

class DeviceForm {
  @Parameter(2048) readonly scope: string | undefined;
  @Parameter(32) readonly provider: string | undefined;
}

/** Where device logins are switched off: 503, whatever is sent. */
export function noDeviceController(path: string): Type {
  @RouteController(path)
  class NoDeviceController {
    @Post()
    refuse(): never {
      throw noDeviceLogins('routes.device');
    }
  }
  return NoDeviceController;
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
      const { scope, provider } = formOf(request, DeviceForm);
      const started = await this.oidc.device({ scope, provider, ...requestOf(request) });
      this.answers.json(response, started);
    }
  }
  return DeviceController;
}
