// A handler that calls jose itself.
import { createRemoteJWKSet, jwtVerify } from 'jose';

import { decorate, listen, moduleOf, settings } from './harness.js';
import { common, core } from './nest.js';

const { issuer, audience } = settings;
const keys = createRemoteJWKSet(new URL(`${issuer}/protocol/openid-connect/certs`));

class Api {
  async me(request) {
    const { payload } = await jwtVerify(request.headers.authorization.slice(7), keys, {
      issuer,
      audience,
    });
    return { sub: payload.sub };
  }
}
common.Req()(Api.prototype, 'me', 0);
decorate([common.Get('me')], Api.prototype, 'me');
common.Controller()(Api);

await listen(moduleOf(common, { controllers: [Api] }), core);
