import type { ProviderEntry } from '../../lib/index.js';
import { type AppOptions, type TestApp, startApp } from './app.js';
import { BROKER_AUDIENCE, BROKER_ENCRYPTION_KEY } from './broker-app.js';
import { GuardedRoutes } from './guarded-routes.js';
import {
  type MisbehavingProvider,
  type MisbehavingProviderOptions,
  startMisbehavingProvider,
} from './misbehaving-provider.js';

/** Two providers that know nothing of each other, with the same user in both. */
export interface TwoProviders {
  readonly main: MisbehavingProvider;
  readonly staff: MisbehavingProvider;
}

export const STAFF_CLIENT = 'staff-client';
export const STAFF_AUDIENCE = 'staff-aud';

export async function startTwoProviders(
  options: MisbehavingProviderOptions = {},
): Promise<TwoProviders> {
  const main = await startMisbehavingProvider(options);
  const staff = await startMisbehavingProvider({
    ...options,
    clientId: STAFF_CLIENT,
    clientSecret: 'staff-secret-of-at-least-32-characters',
    audience: STAFF_AUDIENCE,
  });
  return { main, staff };
}

/** The entry of a provider in the option `providers`. */
export function entryOf(
  { clientId, clientSecret, discoveryUrl, audience }: MisbehavingProvider,
  more: Partial<ProviderEntry> = {},
): ProviderEntry {
  return { clientId, clientSecret, discoveryUrl, audience, ...more };
}

/** An application with both, `main` under the name `default`. */
export function startTwoProviderApp(
  { main, staff }: TwoProviders,
  { options, several, ...app }: AppOptions & { broker?: boolean } = {},
): Promise<TestApp> {
  const { broker, ...others } = app;
  return startApp({
    controllers: [GuardedRoutes],
    ...others,
    several: { providers: { default: entryOf(main), staff: entryOf(staff) }, ...several },
    options: {
      encryptionKeys: [BROKER_ENCRYPTION_KEY],
      ...(broker === true
        ? {
            broker: { audience: BROKER_AUDIENCE, store: 'memory://', signingAlgorithm: 'ES256' },
          }
        : {}),
      ...options,
    },
  });
}
