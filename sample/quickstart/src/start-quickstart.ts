import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';

import { serveApiDocument } from './api-document.js';
import { AppModule, type IdentityProviders } from './app.module.js';
import { IdentityProvider } from './identity-provider/identity-provider.js';
import type { ProviderSettings } from './identity-provider/provider-settings.js';
import { exampleIdentity, partnerIdentity } from './identity-providers.js';
import { chooseStore } from './store.js';
import { assertFree, type ChosenPort, explain, host, StartError } from './listen.js';
import type { Mode } from './mode.js';

export interface QuickstartOptions {
  /** Port of the application. */
  port: number;
  /** Port of the first identity provider. */
  idpPort: number;
  /** Port of the other one. */
  partnerPort: number;
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
  /** The first is that of logins that name none. */
  identityProviders: readonly Pick<IdentityProvider, 'issuer' | 'settings'>[];
  mode: Mode;
  /** Where sessions are kept, in words. */
  sessions: string;
  /** Ends all. */
  close(): Promise<void>;
}

/** Starts the identity providers, then the application beside them, in this process. */
export async function startQuickstart({
  port,
  idpPort,
  partnerPort,
  mode = 'broker',
  store,
  quiet = false,
}: QuickstartOptions): Promise<Quickstart> {
  const appPort: ChosenPort = { port, variable: 'PORT' };
  const examplePort: ChosenPort = { port: idpPort, variable: 'IDP_PORT' };
  const otherPort: ChosenPort = { port: partnerPort, variable: 'PARTNER_PORT' };
  await assertUsable([appPort, examplePort, otherPort]);

  const started: IdentityProvider[] = [];
  const start = async (settings: ProviderSettings, chosen: ChosenPort) => {
    const provider = await IdentityProvider.start(chosen.port, settings).catch((error: unknown) => {
      throw explain(error, chosen);
    });
    started.push(provider);
    return provider;
  };
  try {
    const example = await start(exampleIdentity, examplePort);
    const partner = await start(partnerIdentity, otherPort);
    const identityProviders = { example, partner };
    const url = `http://localhost:${port}`;
    const chosen = chosenStore(mode, store);
    const app = await createApp({ url, identityProviders, mode, store: chosen.store, quiet });
    await app.listen(port, host);
    return {
      url,
      identityProviders: [example, partner],
      mode,
      sessions: chosen.words,
      close: () => app.close(),
    };
  } catch (error) {
    await Promise.all(started.map((provider) => provider.close()));
    throw explain(error, appPort);
  }
}

async function assertUsable(ports: readonly ChosenPort[]): Promise<void> {
  for (const [index, chosen] of ports.entries()) {
    const same = ports.slice(0, index).find(({ port }) => port === chosen.port);
    if (same !== undefined) {
      throw new StartError(
        `${same.variable} and ${chosen.variable} are both ${chosen.port}. They must differ.`,
      );
    }
    await assertFree(chosen);
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
  identityProviders,
  mode,
  store,
  quiet,
}: {
  url: string;
  identityProviders: IdentityProviders;
  mode: Mode;
  store: string | undefined;
  quiet: boolean;
}): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(
    AppModule.forRoot({ url, identityProviders, mode, store }),
    {
      abortOnError: false, // an exception for the caller instead of the end of the process
      forceCloseConnections: true,
      logger: quiet ? ['error', 'fatal'] : ['warn', 'error', 'fatal'],
    },
  );
  app.disable('x-powered-by');
  serveApiDocument(app, { url, mode });
  // A signal closes the application, which closes the identity providers, and then ends the process.
  app.enableShutdownHooks(['SIGINT', 'SIGTERM'], { useProcessExit: true });
  return app;
}
