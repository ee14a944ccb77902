import { type DynamicModule, Module } from '@nestjs/common';
import { OidcAuthModule } from 'nestjs-oidc-auth';

import { ApiController } from './api.controller.js';
import { docsRedirectUri } from './api-document.js';
import { AuthPortsController } from './auth-ports.controller.js';
import type { IdentityProvider } from './identity-provider/identity-provider.js';
import type { Mode } from './mode.js';
import { PageController, PUBLIC_URL } from './page.controller.js';
import { SessionsController } from './sessions.controller.js';

/** The two that are started beside the application. */
export interface IdentityProviders {
  example: IdentityProvider;
  partner: IdentityProvider;
}

/** An entry of the option `providers`: yours has the values from your provider's own pages. */
function entryOf({ issuer, settings }: IdentityProvider) {
  const { title, client } = settings;
  return {
    title,
    clientId: client.clientId,
    clientSecret: client.clientSecret,
    discoveryUrl: `${issuer}/.well-known/openid-configuration`,
    scopes: 'myscope profile email',
    audience: client.audience,
  };
}

@Module({})
export class AppModule {
  static forRoot({
    url,
    identityProviders,
    mode,
    store,
  }: {
    url: string;
    mode: Mode;
    identityProviders: IdentityProviders;
    store: string | undefined;
  }): DynamicModule {
    const { example, partner } = identityProviders;
    const isBroker = mode === 'broker';
    return {
      module: AppModule,
      imports: [
        OidcAuthModule.forRoot({
          providers: {
            default: entryOf(example),
            // Roles that it may give: its own administrators are none of ours.
            partner: { ...entryOf(partner), roles: ['users'] },
          },
          sharedRedirects: 'default', // the Python client and Swagger UI do not say whose code they bring
          publicUrl: url,
          allowedRedirectUris: [`${url}/`, docsRedirectUri(url)], // pages that finish their own logins
          allowedPostLogoutRedirectUris: ['/'],
          routes: { prefix: '/api' },
          appName: 'nestjs-oidc-auth-quickstart',
          encryptionKeys: ['quickstart-key-that-is-known-to-everybody-too'],
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
        // In the container only so that they end together with the application.
        { provide: 'EXAMPLE_IDENTITY', useValue: example },
        { provide: 'PARTNER_IDENTITY', useValue: partner },
      ],
    };
  }
}
