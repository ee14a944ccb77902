import { type DynamicModule, Module } from '@nestjs/common';
import { OidcAuthModule } from 'nestjs-oidc-auth';

import { ApiController } from './api.controller.js';
import { docsRedirectUri } from './api-document.js';
import { AuthPortsController } from './auth-ports.controller.js';
import { client } from './client.js';
import { IdentityProvider } from './identity-provider/identity-provider.js';
import type { Mode } from './mode.js';
import { PageController, PUBLIC_URL } from './page.controller.js';
import { SessionsController } from './sessions.controller.js';

@Module({})
export class AppModule {
  static forRoot({
    url,
    identityProvider,
    mode,
    store,
  }: {
    url: string;
    mode: Mode;
    identityProvider: IdentityProvider;
    store: string | undefined;
  }): DynamicModule {
    const isBroker = mode === 'broker';
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
          allowedRedirectUris: [`${url}/`, docsRedirectUri(url)], // pages that finish their own logins
          allowedPostLogoutRedirectUris: ['/'],
          routes: { prefix: '/api' },
          appName: 'nestjs-oidc-auth-quickstart',
          encryptionKeys: [client.encryptionKey],
          ...(isBroker && {
            broker: {
              audience: 'quickstart-api',
              accessTokenLifetimeSec: 300,
              ...(store === undefined ? {} : { store }),
            },
          }),
        }),
      ],
      controllers: [
        PageController,
        ApiController,
        AuthPortsController,
        ...(isBroker ? [SessionsController] : []),
      ],
      providers: [
        { provide: PUBLIC_URL, useValue: url },
        // In the container only so that it ends together with the application.
        { provide: IdentityProvider, useValue: identityProvider },
      ],
    };
  }
}
