import { Controller, Delete, Get } from '@nestjs/common';
import { Auth, IdToken, type IdTokenClaims, OidcService } from 'nestjs-oidc-auth';

@Controller('api')
export class ApiController {
  constructor(private readonly oidc: OidcService) {}

  /** For everybody who is logged in. */
  @Get('me')
  @Auth()
  me(@IdToken() token: IdTokenClaims) {
    const { sub, preferred_username: username, email, roles, scope, exp } = token;
    return { sub, username, email, roles, scope, expires: exp };
  }

  /** For those who have the role: alice, but not bob. */
  @Get('admin')
  @Auth({ roles: ['admins'] })
  admin(@IdToken('preferred_username') username: string) {
    return { message: `Welcome, administrator ${username}.` };
  }

  /** Where else the caller is logged in. */
  @Get('sessions')
  @Auth()
  sessions(@IdToken() token: IdTokenClaims) {
    return this.oidc.listSessions(token);
  }

  /** Logs the caller out everywhere: every access token is refused from now on, on every instance. */
  @Delete('sessions')
  @Auth()
  async endSessions(@IdToken() token: IdTokenClaims) {
    return { ended: await this.oidc.revokeSessions(token) };
  }

  /** For everybody, and better when we know who asks. */
  @Get('feed')
  @Auth({ optional: true })
  feed(@IdToken() token?: IdTokenClaims) {
    const reader = token?.preferred_username ?? 'guest';
    return { guest: token === undefined, greeting: `Hello, ${reader}.` };
  }
}
