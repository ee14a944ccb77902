// This package.
import { Auth, IdToken, OidcAuthModule } from 'nestjs-oidc-auth';

import { decorate, listen, moduleOf, settings } from './harness.js';
import { common, core } from './nest.js';

class Api {
  me(claims) {
    return { sub: claims.sub };
  }
}
IdToken()(Api.prototype, 'me', 0);
decorate([common.Get('me'), Auth()], Api.prototype, 'me');
common.Controller()(Api);

const { clientId, clientSecret, audience, issuer, options } = settings;
const oidc = OidcAuthModule.forRoot({
  clientId,
  clientSecret,
  audience,
  discoveryUrl: `${issuer}/.well-known/openid-configuration`,
  publicUrl: 'http://localhost:3000',
  ...options,
});

await listen(moduleOf(common, { imports: [oidc], controllers: [Api] }), core);
