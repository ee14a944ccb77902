// This package in broker mode, with a provider of no latency.
import { Auth, IdToken, OidcAuthModule } from 'nestjs-oidc-auth';

import { countStatements, statementsSoFar } from './count-statements.js';
import { decorate, listen, moduleOf, settings, tellMore } from './harness.js';
import { instantProvider } from './instant-provider.js';
import { common, core } from './nest.js';

const { clientId, clientSecret, audience, broker, session, provider } = settings;
if (settings.counting) {
  countStatements(broker.store);
  tellMore(() => ({ statements: statementsSoFar() }));
}

class Api {
  me(claims) {
    return { sub: claims.sub };
  }
}
IdToken()(Api.prototype, 'me', 0);
decorate([common.Get('me'), Auth()], Api.prototype, 'me');
common.Controller()(Api);

const oidc = OidcAuthModule.forRoot({
  clientId,
  clientSecret,
  audience,
  discoveryUrl: provider.issuer,
  publicUrl: 'http://localhost:3000',
  encryptionKeys: ['encryption-key-of-all-instances-of-the-benchmarks'],
  fetch: instantProvider({ ...provider, clientId }),
  broker: { audience: 'bench-broker-api', issuer: 'http://localhost:3000', ...broker },
  ...(session === undefined ? {} : { session }),
});

await listen(moduleOf(common, { imports: [oidc], controllers: [Api] }), core);
