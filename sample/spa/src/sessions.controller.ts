import { Controller, Delete, Get, NotFoundException, Param } from '@nestjs/common';
import { Auth, IdToken, type IdTokenClaims, OidcService } from 'nestjs-oidc-auth';

/** Where the caller is logged in. Requests that change something come from pages of this origin alone: the guard sees to it. */
@Controller('api/sessions')
@Auth()
export class SessionsController {
  constructor(private readonly oidc: OidcService) {}

  @Get()
  sessions(@IdToken() claims: IdTokenClaims) {
    return this.oidc.listSessions(claims);
  }

  /** One of the list; somebody else's is as good as none. */
  @Delete(':id')
  async endSession(@IdToken() claims: IdTokenClaims, @Param('id') id: string): Promise<void> {
    if (!(await this.oidc.revokeSession(claims, id))) throw new NotFoundException();
  }

  /** All of them, and every token of the caller: on every instance within seconds. */
  @Delete()
  async endSessions(@IdToken() claims: IdTokenClaims) {
    return { ended: await this.oidc.revokeSessions(claims) };
  }
}
