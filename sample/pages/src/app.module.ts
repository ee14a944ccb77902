import { type DynamicModule, Module } from '@nestjs/common';
import { OidcAuthModule } from 'nestjs-oidc-auth';
import { IdentityProvider } from 'quickstart/identity-provider/identity-provider.js';

import { FilesController } from './files.controller.js';
import { HomeController } from './home.controller.js';
import { ProfileController } from './profile.controller.js';
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
          publicUrl: url,
          routes: { prefix: '/api' },
          encryptionKeys: ['sample-key-that-is-known-to-everybody-too'], // yours: from the environment
          broker: { audience: 'sample-pages', store: 'memory://' }, // yours: a database
          session: {},
        }),
      ],
      controllers: [HomeController, ProfileController, SessionsController, FilesController],
      // In the container only so that it ends together with the application.
      providers: [{ provide: IdentityProvider, useValue: identityProvider }],
    };
  }
}
