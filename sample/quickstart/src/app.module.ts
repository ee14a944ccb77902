import { type DynamicModule, Module } from '@nestjs/common';
import { OidcAuthModule } from 'nestjs-oidc-auth';

import { ApiController } from './api.controller.js';
import { AuthPortsController } from './auth-ports.controller.js';
import { client } from './client.js';
import { IdentityProvider } from './identity-provider/identity-provider.js';
import { PageController, PUBLIC_URL } from './page.controller.js';

@Module({})
export class AppModule {
  static forRoot({
    url,
    identityProvider,
    store,
  }: {
    url: string;
    identityProvider: IdentityProvider;
    store: string | undefined;
  }): DynamicModule {
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
          allowedRedirectUris: [`${url}/`], // the page finishes its own login
          allowedPostLogoutRedirectUris: ['/'],
          routes: { prefix: '/api' },
          appName: 'nestjs-oidc-auth-quickstart',
          encryptionKeys: [client.encryptionKey],
          broker: {
            audience: 'quickstart-api',
            accessTokenLifetimeSec: 300,
            ...(store === undefined ? {} : { store }),
          },
        }),
      ],
      controllers: [PageController, ApiController, AuthPortsController],
      providers: [
        { provide: PUBLIC_URL, useValue: url },
        // In the container only so that it ends together with the application.
        { provide: IdentityProvider, useValue: identityProvider },
      ],
    };
  }
}
