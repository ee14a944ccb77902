import type { NestExpressApplication } from '@nestjs/platform-express';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { OidcService } from 'nestjs-oidc-auth';

import { exampleIdentity } from './identity-providers.js';
import type { Mode } from './mode.js';

const auth = '/api/auth/v2';

/** Where Swagger UI's page ends a login; it must be listed in `allowedRedirectUris`, and be registered at the provider. */
export const docsRedirectUri = (url: string): string => `${url}/docs/oauth2-redirect.html`;

/** Serves the OpenAPI document at `/docs-json`, and Swagger UI at `/docs`. */
export function serveApiDocument(
  app: NestExpressApplication,
  { url, mode }: { url: string; mode: Mode },
): void {
  const builder = new DocumentBuilder().setTitle('Quickstart').setVersion('1').addServer(url);
  // By that name it is what handlers with @Auth() demand: "Authorize" logs in by our own routes, with no secret in the page. In
  // broker mode there is no such scheme, so that describe() adds its own, and a token is pasted.
  if (mode === 'passthrough') {
    builder.addOAuth2(
      {
        type: 'oauth2',
        flows: {
          authorizationCode: {
            authorizationUrl: `${url}${auth}/login`,
            tokenUrl: `${url}${auth}/token`,
            refreshUrl: `${url}${auth}/token`,
            scopes: { openid: 'Log in', profile: 'Name', email: 'Address', myscope: 'This API' },
          },
        },
      },
      'oidc',
    );
  }
  const document = SwaggerModule.createDocument(app, builder.build());
  SwaggerModule.setup('docs', app, app.get(OidcService).describe(document), {
    swaggerOptions: {
      oauth2RedirectUrl: docsRedirectUri(url), // Swagger UI's own guess leaves out the path
      initOAuth: {
        clientId: exampleIdentity.client.clientId, // the provider of logins that name none
        scopes: ['openid', 'profile', 'email', 'myscope'],
        usePkceWithAuthorizationCodeGrant: true,
      },
    },
  });
}
