import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';

import { serveApiDocument } from './api-document.js';
import { AppModule } from './app.module.js';
import { client } from './client.js';
import { IdentityProvider } from './identity-provider/identity-provider.js';
import { chooseStore } from './store.js';
import { assertFree, type ChosenPort, explain, host, StartError } from './listen.js';
import type { Mode } from './mode.js';

export interface QuickstartOptions {
  /** Port of the application. */
  port: number;
  /** Port of the identity provider. */
  idpPort: number;
  /** Default: `broker`. */
  mode?: Mode;
  /** Where sessions are kept in broker mode. Default: see `chooseStore`. */
  store?: string;
  /** Only errors are logged. */
  quiet?: boolean;
}

export interface Quickstart {
  /** Where the application is. */
  url: string;
  /** Where the identity provider is. */
  issuer: string;
  mode: Mode;
  /** Where sessions are kept, in words. */
  sessions: string;
  /** Ends both. */
  close(): Promise<void>;
}

/** Starts the identity provider, then the application beside it, in this process. */
export async function startQuickstart({
  port,
  idpPort,
  mode = 'broker',
  store,
  quiet = false,
}: QuickstartOptions): Promise<Quickstart> {
  if (port === idpPort) {
    throw new StartError(`PORT and IDP_PORT are both ${port}. They must differ.`);
  }
  const appPort: ChosenPort = { port, variable: 'PORT' };
  const providerPort: ChosenPort = { port: idpPort, variable: 'IDP_PORT' };
  await assertFree(appPort);
  await assertFree(providerPort);

  const identityProvider = await IdentityProvider.start(idpPort, client).catch((error: unknown) => {
    throw explain(error, providerPort);
  });
  try {
    const url = `http://localhost:${port}`;
    const chosen = chosenStore(mode, store);
    const app = await createApp({ url, identityProvider, mode, store: chosen.store, quiet });
    await app.listen(port, host);
    const { issuer } = identityProvider;
    return { url, issuer, mode, sessions: chosen.words, close: () => app.close() };
  } catch (error) {
    await identityProvider.close();
    throw explain(error, appPort);
  }
}

function chosenStore(mode: Mode, store: string | undefined): ReturnType<typeof chooseStore> {
  if (mode === 'passthrough') {
    return { store: undefined, words: "nowhere: clients hold the provider's own tokens" };
  }
  return store === undefined ? chooseStore() : { store, words: 'where you said' };
}

async function createApp({
  url,
  identityProvider,
  mode,
  store,
  quiet,
}: {
  url: string;
  identityProvider: IdentityProvider;
  mode: Mode;
  store: string | undefined;
  quiet: boolean;
}): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(
    AppModule.forRoot({ url, identityProvider, mode, store }),
    {
      abortOnError: false, // an exception for the caller instead of the end of the process
      forceCloseConnections: true,
      logger: quiet ? ['error', 'fatal'] : ['warn', 'error', 'fatal'],
    },
  );
  app.disable('x-powered-by');
  serveApiDocument(app, { url, mode });
  // A signal closes the application, which closes the identity provider, and then ends the process.
  app.enableShutdownHooks(['SIGINT', 'SIGTERM'], { useProcessExit: true });
  return app;
}
