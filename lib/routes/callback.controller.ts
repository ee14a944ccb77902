import { Get, Param, Post, Req, Res, type Type } from '@nestjs/common';
import { DEFAULT_PROVIDER } from '../options/resolve-provider.js';
import { CallbackEnd } from './callback-end.js';
import type { RouteRequest } from './request-parameters.js';
import { RouteController } from './route-controller.js';

export function callbackController(path: string): Type {
  @RouteController(path)
  class CallbackController {
    constructor(private readonly end: CallbackEnd) {}

    @Get()
    async callback(@Req() request: RouteRequest, @Res() response: unknown): Promise<void> {
      return this.end.finish(DEFAULT_PROVIDER, 'GET', request, response);
    }

    @Get(':provider')
    async callbackOf(
      @Param('provider') provider: string,
      @Req() request: RouteRequest,
      @Res() response: unknown,
    ): Promise<void> {
      return this.end.finish(provider, 'GET', request, response);
    }
  }
  return CallbackController;
}

/** The same where providers may send their answers by POST (OAuth 2.0 Form Post Response Mode). */
export function formPostController(path: string): Type {
  @RouteController(path)
  class FormPostController {
    constructor(private readonly end: CallbackEnd) {}

    @Post()
    async callback(@Req() request: RouteRequest, @Res() response: unknown): Promise<void> {
      return this.end.finish(DEFAULT_PROVIDER, 'POST', request, response);
    }

    @Post(':provider')
    async callbackOf(
      @Param('provider') provider: string,
      @Req() request: RouteRequest,
      @Res() response: unknown,
    ): Promise<void> {
      return this.end.finish(provider, 'POST', request, response);
    }
  }
  return FormPostController;
}
