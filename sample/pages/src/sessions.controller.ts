import { Controller, Get, Header, Param, Post, Redirect, UseFilters } from '@nestjs/common';
import { Auth, IdToken, type IdTokenClaims, OidcService } from 'nestjs-oidc-auth';

import { RefusalPage } from './refusal-page.filter.js';
import { sessionsPage } from './views.js';

@Controller('sessions')
@UseFilters(RefusalPage)
export class SessionsController {
  constructor(private readonly oidc: OidcService) {}

  @Get()
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Auth({ onUnauthenticated: 'login' })
  async sessions(@IdToken() claims: IdTokenClaims): Promise<string> {
    return sessionsPage(claims, await this.oidc.listSessions(claims));
  }

  /** One of the list; somebody else's is as good as none. */
  @Post(':id/end')
  @Redirect('/sessions', 303)
  @Auth()
  async end(@IdToken() claims: IdTokenClaims, @Param('id') id: string): Promise<void> {
    await this.oidc.revokeSession(claims, id);
  }

  /** All of them, this browser's too. */
  @Post('end')
  @Redirect('/', 303)
  @Auth()
  async endAll(@IdToken() claims: IdTokenClaims): Promise<void> {
    await this.oidc.revokeSessions(claims);
  }
}
