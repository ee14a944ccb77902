import { Inject, Injectable } from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost, ModuleRef, ModulesContainer } from '@nestjs/core';
import { Clock } from '../clock/clock.js';
import type { BrokerStoreChoice } from '../contract/store-choice.js';
import { Proofs } from '../dpop/proofs.js';
import { HostFaults } from '../events/host-faults.js';
import { OidcEvents } from '../events/oidc-events.js';
import { GuardedFetch } from '../http/guarded-fetch.js';
import { BROKER_STORE, RESOLVED_OPTIONS } from '../options/options.token.js';
import { PublicUrls } from '../options/public-urls.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { Providers } from '../providers/providers.js';
import { KeyRing } from '../sealing/key-ring.js';

/** What both modes are made of. */
@Injectable()
export class Surroundings {
  constructor(
    @Inject(RESOLVED_OPTIONS) readonly options: ResolvedOptions,
    readonly clock: Clock,
    readonly events: OidcEvents,
    readonly faults: HostFaults,
    readonly providers: Providers,
    readonly http: GuardedFetch,
    readonly keyRing: KeyRing,
    readonly urls: PublicUrls,
    readonly application: ApplicationConfig,
    /** Everything of the host's application: for its store and its handlers. */
    readonly container: ModuleRef,
    readonly modules: ModulesContainer,
    readonly adapterHost: HttpAdapterHost,
    readonly proofs: Proofs,
    /** As it was named at registration, if it was. */
    @Inject(BROKER_STORE) readonly registeredStore: BrokerStoreChoice | undefined,
  ) {}
}
