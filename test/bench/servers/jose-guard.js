// A guard that calls jose.
import { createRemoteJWKSet, jwtVerify } from 'jose';

import { apiController, listen, moduleOf, settings } from './harness.js';
import { common, core } from './nest.js';

const { issuer, audience } = settings;
const keys = createRemoteJWKSet(new URL(`${issuer}/protocol/openid-connect/certs`));

class JoseGuard {
  async canActivate(context) {
    const request = context.switchToHttp().getRequest();
    const [scheme, token] = (request.headers.authorization ?? '').split(' ');
    if (scheme !== 'Bearer' || token === undefined) throw new common.UnauthorizedException();
    try {
      const { payload } = await jwtVerify(token, keys, { issuer, audience });
      request.claims = payload;
    } catch {
      throw new common.UnauthorizedException();
    }
    return true;
  }
}
common.Injectable()(JoseGuard);

const Claims = common.createParamDecorator(
  (_, context) => context.switchToHttp().getRequest().claims,
);

const controller = apiController(common, { guards: [JoseGuard], parameter: Claims() });
await listen(moduleOf(common, { controllers: [controller] }), core);
