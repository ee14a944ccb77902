import { Controller, Get } from '@nestjs/common';
import { Auth, IdToken, type IdTokenClaims } from 'nestjs-oidc-auth';

@Controller('api')
export class ApiController {
  /** For everybody with a token of this instance or of one that it trusts; `issuer` tells whose it is. */
  @Get('me')
  @Auth()
  me(@IdToken() { iss: issuer, sub, preferred_username: username, roles, scope }: IdTokenClaims) {
    return { issuer, sub, username, roles, scope };
  }

  /** For those who have the role, and from instances that may give it. */
  @Get('admin')
  @Auth({ roles: ['admins'] })
  admin(@IdToken('preferred_username') username: string) {
    return { message: `Welcome, administrator ${username}.` };
  }
}
