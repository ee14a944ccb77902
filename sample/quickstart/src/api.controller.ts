import { Controller, Get } from '@nestjs/common';
import { Auth, CurrentUser, IdToken, type IdTokenClaims } from 'nestjs-oidc-auth';

@Controller('api')
export class ApiController {
  constructor(private readonly user: CurrentUser) {}

  /** For everybody who is logged in. */
  @Get('me')
  @Auth()
  me(@IdToken() token: IdTokenClaims) {
    const { sub, preferred_username: username, email, roles, scope, exp } = token;
    const { provider } = this.user;
    return { sub, username, email, provider, roles, scope, expires: exp };
  }

  /** For those who have the role: alice, but not bob. */
  @Get('admin')
  @Auth({ roles: ['admins'] })
  admin(@IdToken('preferred_username') username: string) {
    return { message: `Welcome, administrator ${username}.` };
  }

  /** For those who logged in with one provider: carol and dave. */
  @Get('partners')
  @Auth({ providers: ['partner'] })
  partners(@IdToken('preferred_username') username: string) {
    return { message: `Welcome, ${username} of our partner.` };
  }

  /** For everybody, and better when we know who asks. */
  @Get('feed')
  @Auth({ optional: true })
  feed(@IdToken() token?: IdTokenClaims) {
    const reader = token?.preferred_username ?? 'guest';
    return { guest: token === undefined, greeting: `Hello, ${reader}.` };
  }
}
