import { type DynamicModule, Module } from '@nestjs/common';
import { OidcAuthModule } from 'nestjs-oidc-auth';
import { IdentityProvider } from 'quickstart/identity-provider/identity-provider.js';

import { AccountController } from './account.controller.js';
import { SessionsController } from './sessions.controller.js';

@Module({})
export class AppModule {
  static forRoot(url: string, identityProvider: IdentityProvider): DynamicModule {
    const { client } = identityProvider.settings;
    return {
      module: AppModule,
      imports: [
        OidcAuthModule.forRoot({
          clientId: client.clientId,
          clientSecret: client.clientSecret,
          discoveryUrl: `${identityProvider.issuer}/.well-known/openid-configuration`,
          scopes: 'myscope profile email',
          audience: client.audience,
          loginParameters: ['max_age'], // what the page may ask for where a handler wants a recent login
          publicUrl: url,
          allowedPostLogoutRedirectUris: ['/'],
          routes: { prefix: '/api' },
          encryptionKeys: ['sample-key-that-is-known-to-everybody-too'], // yours: from the environment
          broker: { audience: 'sample-spa', store: 'memory://' }, // yours: a database
          session: { idleSec: 300 }, // short, so that its end can be watched
        }),
      ],
      controllers: [AccountController, SessionsController],
      // In the container only so that it ends together with the application.
      providers: [{ provide: IdentityProvider, useValue: identityProvider }],
    };
  }
}
