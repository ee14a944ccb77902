import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { IdentityProvider } from 'quickstart/identity-provider/identity-provider.js';
import { exampleIdentity } from 'quickstart/identity-providers.js';

import { AppModule } from './app.module.js';

export interface PagesOptions {
  port: number;
  /** Port of the identity provider. */
  idpPort: number;
}

export interface Pages {
  url: string;
  issuer: string;
  close(): Promise<void>;
}

/** Starts the identity provider, then the application, in this process. */
export async function startPages({ port, idpPort }: PagesOptions): Promise<Pages> {
  const url = `http://localhost:${port}`;
  const client = { ...exampleIdentity.client, title: 'the pages' };
  const identityProvider = await IdentityProvider.start(idpPort, { ...exampleIdentity, client });
  const { issuer } = identityProvider;
  const app = await NestFactory.create<NestExpressApplication>(
    AppModule.forRoot(url, identityProvider),
    { forceCloseConnections: true, logger: ['warn', 'error', 'fatal'] },
  );
  app.disable('x-powered-by');
  app.use((_request: unknown, response: HeadersOf, next: () => void) => {
    // The form that logs out ends at the provider, and browsers hold redirects against form-action too.
    const policy = `default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self' ${issuer}; frame-ancestors 'none'`;
    response.setHeader('Content-Security-Policy', policy);
    response.setHeader('X-Content-Type-Options', 'nosniff');
    next();
  });
  app.enableShutdownHooks(['SIGINT', 'SIGTERM'], { useProcessExit: true });
  await app.listen(port, '127.0.0.1'); // loopback only
  return { url, issuer, close: () => app.close() };
}

interface HeadersOf {
  setHeader(name: string, value: string): void;
}
