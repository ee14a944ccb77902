import { Controller, Get, HttpCode, Post } from '@nestjs/common';
import { Auth, IdToken } from 'nestjs-oidc-auth';

@Controller('api/account')
@Auth()
export class AccountController {
  /** Any guarded request is a use of the session, and moves its end. */
  @Get()
  account(@IdToken('preferred_username') name: string, @IdToken('roles') roles: string[]) {
    return { name, roles };
  }

  /** For somebody who has logged in within the last minute; others get a 401 that says so. */
  @Post('recovery-code')
  @HttpCode(200)
  @Auth({ maxAgeSec: 60 })
  recoveryCode() {
    return { code: 'K7QF-2M9X' };
  }
}
