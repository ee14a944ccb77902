import { Get, Req, Res, type Type } from '@nestjs/common';
import { BrowserLogins } from '../service/browser-logins.js';
import { Answers } from './answers.js';
import type { RouteRequest } from './request-parameters.js';
import { RouteController } from './route-controller.js';

export function sessionController(path: string): Type {
  @RouteController(path)
  class SessionController {
    constructor(
      private readonly browsers: BrowserLogins,
      private readonly answers: Answers,
    ) {}

    @Get()
    async session(@Req() { headers }: RouteRequest, @Res() response: unknown): Promise<void> {
      this.answers.json(response, await this.browsers.session(headers));
    }
  }
  return SessionController;
}
