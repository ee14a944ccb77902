import { generateKeyPair } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { promisify } from 'node:util';

import { Logger, type OnApplicationShutdown } from '@nestjs/common';

// oxlint-disable-next-line import/no-unassigned-import -- ahead of oidc-provider, which warns when it is loaded
import './runtime-warning.js';

import { Provider } from 'oidc-provider';

import { closeServer, listen } from '../listen.js';
import { icon, styleSheet } from '../public-files.js';
import { Accounts } from './accounts.js';
import { Consents } from './grants.js';
import { interactions } from './interactions.js';
import { Pages } from './pages.js';
import { providerConfiguration } from './provider-configuration.js';
import type { ProviderSettings } from './provider-settings.js';
import { userinfo } from './userinfo.js';

export type Middleware = Parameters<Provider['use']>[0];

const generateKeys = promisify(generateKeyPair);

/**
 * An OpenID Connect provider with a few users, in this process, so that the quickstart needs no other
 * software. Everything is kept in memory. Never a model for a provider of your own.
 */
export class IdentityProvider implements OnApplicationShutdown {
  private constructor(
    readonly issuer: string,
    readonly settings: ProviderSettings,
    private readonly server: Server,
  ) {}

  static async start(port: number, settings: ProviderSettings): Promise<IdentityProvider> {
    const issuer = `http://localhost:${port}`;
    const accounts = new Accounts(settings.accounts);
    const consents = new Consents();
    const pages = new Pages(settings);
    const { privateKey, publicKey } = await generateKeys('rsa', { modulusLength: 2048 });
    const provider = new Provider(
      issuer,
      providerConfiguration({ settings, accounts, consents, pages, signingKey: privateKey }),
    );
    const logger = new Logger(IdentityProvider.name);
    provider.on('server_error', (_ctx, error) => logger.error(error.message, error.stack));
    provider.use(headers);
    provider.use(files(pages));
    provider.use(userinfo({ issuer, publicKey, accounts }));
    provider.use(interactions({ provider, accounts, consents, pages }));

    const server = createServer(provider.callback());
    await listen(server, port);
    return new IdentityProvider(issuer, settings, server);
  }

  async close(): Promise<void> {
    await closeServer(this.server);
  }

  onApplicationShutdown(): Promise<void> {
    return this.close();
  }
}

const headers: Middleware = async (ctx, next) => {
  ctx.set({
    // The provider adds the hash of its one inline script. Forms end in redirects to loopback clients.
    'content-security-policy':
      "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; base-uri 'none'; " +
      "form-action 'self' http://localhost:* http://127.0.0.1:*; frame-ancestors 'none'",
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  });
  await next();
};

function files(pages: Pages): Middleware {
  return async (ctx, next) => {
    if (ctx.method !== 'GET') return next();
    if (ctx.path === '/') {
      ctx.body = pages.front();
      return;
    }
    if (ctx.path === '/style.css') {
      ctx.type = 'css';
      ctx.body = styleSheet;
      return;
    }
    if (ctx.path === '/icon.svg') {
      ctx.type = 'svg';
      ctx.body = icon;
      return;
    }
    return next();
  };
}
