import { fileURLToPath } from 'node:url';

import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { IdentityProvider } from 'quickstart/identity-provider/identity-provider.js';
import { exampleIdentity } from 'quickstart/identity-providers.js';

import { AppModule } from './app.module.js';

const contentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export interface SpaOptions {
  port: number;
  /** Port of the identity provider. */
  idpPort: number;
  /** Folder of the built page. Default: `dist/page`. */
  page?: string;
}

export interface Spa {
  url: string;
  issuer: string;
  close(): Promise<void>;
}

/** Starts the identity provider, then the application with API and page, in this process. */
export async function startSpa({ port, idpPort, page = builtPage() }: SpaOptions): Promise<Spa> {
  const url = `http://localhost:${port}`;
  const client = {
    ...exampleIdentity.client,
    title: 'the single-page application',
    backchannelLogoutUri: `${url}/api/auth/v2/backchannel-logout`,
  };
  const identityProvider = await IdentityProvider.start(idpPort, { ...exampleIdentity, client });
  const app = await NestFactory.create<NestExpressApplication>(
    AppModule.forRoot(url, identityProvider),
    { forceCloseConnections: true, logger: ['warn', 'error', 'fatal'] },
  );
  app.disable('x-powered-by');
  app.useStaticAssets(page, {
    setHeaders: (response) => {
      response.setHeader('Content-Security-Policy', contentSecurityPolicy);
      response.setHeader('X-Content-Type-Options', 'nosniff');
      response.setHeader('Cache-Control', 'no-cache');
    },
  });
  app.enableShutdownHooks(['SIGINT', 'SIGTERM'], { useProcessExit: true });
  await app.listen(port, '127.0.0.1'); // loopback only
  return { url, issuer: identityProvider.issuer, close: () => app.close() };
}

function builtPage(): string {
  return fileURLToPath(new URL('../dist/page', import.meta.url));
}
