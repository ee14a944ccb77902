import { expect } from 'vitest';

import { OidcConfigError } from '../../../lib/errors/oidc-config.error.js';
import { type ResolvedOptions, resolveOptions } from '../../../lib/options/resolve-options.js';
import type { ResolvedProvider } from '../../../lib/options/resolve-provider.js';
import { resolveRoutes } from '../../../lib/options/resolve-routes.js';

/** Options that start an application. */
export const goodOptions = {
  clientId: 'my-client',
  clientSecret: 'canary-secret-of-at-least-32-characters',
  discoveryUrl: 'https://idp.example.org/.well-known/openid-configuration',
  publicUrl: 'https://app.example.org',
  audience: 'my-aud',
};

/** The options of the application, and beside them those of its first identity provider. */
export type AllOptions = Omit<ResolvedProvider, keyof ResolvedOptions> & ResolvedOptions;

/** Resolves options of any shape, as a host written in JavaScript may give them. */
export function resolve(given: unknown, routes: object = {}): AllOptions {
  const resolved: ResolvedOptions = Reflect.apply(resolveOptions, undefined, [
    given,
    resolveRoutes(routes),
  ]);
  const [provider] = resolved.providers.list;
  if (provider === undefined) throw new Error('no provider');
  return { ...provider, ...resolved };
}

/** The good options with some of them replaced; `undefined` counts as left out. */
export function resolveWith(changes: object, routes: object = {}): AllOptions {
  return resolve({ ...goodOptions, ...changes }, routes);
}

/** What a start-up says when it fails, which must be an {@link OidcConfigError}. */
export function startUpMessage(start: () => unknown): string {
  let thrown: unknown;
  try {
    start();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(OidcConfigError);
  return thrown instanceof OidcConfigError ? thrown.message : '';
}
