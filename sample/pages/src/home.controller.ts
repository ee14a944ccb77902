import { Controller, Get, Header } from '@nestjs/common';
import { Auth, IdToken } from 'nestjs-oidc-auth';

import { homePage } from './views.js';

@Controller()
export class HomeController {
  /** For everybody: only the greeting tells who is logged in. */
  @Get()
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Auth({ optional: true })
  home(@IdToken('preferred_username') name?: string): string {
    return homePage(name);
  }
}
