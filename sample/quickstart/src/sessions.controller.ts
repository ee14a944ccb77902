import { Controller, Delete, Get } from '@nestjs/common';
import { Auth, IdToken, type IdTokenClaims, OidcService } from 'nestjs-oidc-auth';

/** What only an application with sessions of its own can offer: broker mode. */
@Controller('api/sessions')
@Auth()
export class SessionsController {
  constructor(private readonly oidc: OidcService) {}

  /** Where else the caller is logged in. */
  @Get()
  sessions(@IdToken() token: IdTokenClaims) {
    return this.oidc.listSessions(token);
  }

  /** Logs the caller out everywhere: every access token is refused from now on, on every instance. */
  @Delete()
  async endSessions(@IdToken() token: IdTokenClaims) {
    return { ended: await this.oidc.revokeSessions(token) };
  }
}
