import { ModuleRef } from '@nestjs/core';
import { onTestFinished } from 'vitest';

import type { Clock } from '../../lib/clock/clock.js';
import type { BrokerStore } from '../../lib/contract/broker-store.js';
import { HostFaults } from '../../lib/events/host-faults.js';
import type { OidcEvents } from '../../lib/events/oidc-events.js';
import type { BrokerOptions, OidcAuthOptions } from '../../lib/index.js';
import type { ResolvedBrokerOptions } from '../../lib/options/resolve-broker.js';
import { type ResolvedOptions, resolveOptions } from '../../lib/options/resolve-options.js';
import { type ResolvedRoutes, resolveRoutes } from '../../lib/options/resolve-routes.js';
import { StoreAccess } from '../../lib/store/store-access.js';

/** For a store that is an object already, and needs nothing of a container. */
const NO_CONTAINER: ModuleRef = Object.create(ModuleRef.prototype);

/** Options of broker mode, resolved, and those of `broker` by themselves. */
export interface ResolvedForBroker {
  readonly options: ResolvedOptions;
  readonly broker: ResolvedBrokerOptions;
}

/** Resolves the options of an application that is never started. */
export function brokerModeOptions(
  options: Partial<OidcAuthOptions>,
  broker: BrokerOptions,
  routes: ResolvedRoutes = resolveRoutes(),
): ResolvedForBroker {
  const resolved = resolveOptions(
    {
      clientId: 'my-client',
      clientSecret: 'client-secret-of-at-least-32-characters',
      discoveryUrl: 'https://idp.example.org',
      audience: 'my-aud',
      publicUrl: 'https://app.example.org',
      ...options,
      broker,
    },
    routes,
  );
  return { options: resolved, broker: brokerOf(resolved) };
}

/** @throws Error in passthrough mode. */
export function brokerOf({ broker }: ResolvedOptions): ResolvedBrokerOptions {
  if (broker === undefined) throw new Error('These are options of passthrough mode');
  return broker;
}

export interface StoreAccessOptions {
  readonly options: ResolvedOptions;
  readonly store: BrokerStore;
  readonly events: OidcEvents;
  readonly clock: Clock;
}

/** The way to a store, not started yet. */
export function storeAccess({ options, store, events, clock }: StoreAccessOptions): StoreAccess {
  const faults = new HostFaults(clock, options);
  return new StoreAccess(options, store, events, NO_CONTAINER, faults, clock);
}

/** The way to a store until the test ends. */
export async function startStoreAccess(given: StoreAccessOptions): Promise<StoreAccess> {
  const access = storeAccess(given);
  await access.start();
  onTestFinished(() => access.stop());
  return access;
}
