// @nestjs/passport with passport-jwt and jwks-rsa, as its documentation has it.
import { AuthGuard, PassportModule, PassportStrategy } from '@nestjs/passport';
import { passportJwtSecret } from 'jwks-rsa';
import { ExtractJwt, Strategy } from 'passport-jwt';

import { apiController, listen, moduleOf, settings } from '../servers/harness.js';
import { common, core } from './nest.js';

const { issuer, audience } = settings;

class JwtStrategy extends PassportStrategy(Strategy) {
  constructor() {
    super({
      secretOrKeyProvider: passportJwtSecret({
        cache: true,
        rateLimit: true,
        jwksUri: `${issuer}/protocol/openid-connect/certs`,
      }),
      jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
      audience,
      issuer,
      algorithms: ['RS256'],
    });
  }

  validate(payload) {
    return payload;
  }
}
common.Injectable()(JwtStrategy);

const User = common.createParamDecorator((_, context) => context.switchToHttp().getRequest().user);
const controller = apiController(common, { guards: [AuthGuard('jwt')], parameter: User() });
const imports = [PassportModule.register({ defaultStrategy: 'jwt' })];
await listen(
  moduleOf(common, { imports, controllers: [controller], providers: [JwtStrategy] }),
  core,
);
