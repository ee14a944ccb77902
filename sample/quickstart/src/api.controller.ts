import { Controller, Get } from '@nestjs/common';
import { Auth, IdToken, type IdTokenClaims } from 'nestjs-oidc-auth';

@Controller('api')
export class ApiController {
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

  /** For everybody, and better when we know who asks. */
  @Get('feed')
  @Auth({ optional: true })
  feed(@IdToken() token?: IdTokenClaims) {
    const reader = token?.preferred_username ?? 'guest';
    return { guest: token === undefined, greeting: `Hello, ${reader}.` };
  }
}
