import { Controller, Get } from '@nestjs/common';
import { Auth, IdToken } from 'nestjs-oidc-auth';

@Controller('api/account')
@Auth()
export class AccountController {
  /** Any guarded request is a use of the session, and moves its end. */
  @Get()
  account(@IdToken('preferred_username') name: string, @IdToken('roles') roles: string[]) {
    return { name, roles };
  }
}
