import type { Clock } from '../clock/clock.js';
import { describeError } from '../errors/describe-error.js';
import { OidcConfigError } from '../errors/oidc-config.error.js';
import { printable } from '../errors/printable.js';
import type { HostFaults } from '../events/host-faults.js';
import { reportedFetch } from '../events/host-functions.js';
import type { OidcEvents } from '../events/oidc-events.js';
import { GuardedFetch } from '../http/guarded-fetch.js';
import { frozenCopy } from '../options/frozen-copy.js';
import type { FetchFunction } from '../options/call-options.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { type ResolvedProvider, resolveProviderEntry } from '../options/resolve-provider.js';
import {
  claimedIssuer,
  claimedKeys,
  introspectionConflict,
  twinOf,
} from '../options/provider-conflicts.js';
import { isProviderName } from '../options/provider-name.js';
import type { ProviderEntry, ProviderMap } from '../options/several-providers.js';
import { IdentityProvider } from './identity-provider.js';
import { ProviderConnection } from './provider-connection.js';

interface Entry {
  readonly provider: IdentityProvider;
  /** What it was made from, to see whether it changed. */
  readonly written: string;
  readonly fetch: FetchFunction | undefined;
  readonly http: GuardedFetch;
}

export type Entries = ReadonlyMap<string, Entry>;

/** Makes providers of their options. */
export class EntryMaker {
  constructor(
    private readonly options: ResolvedOptions,
    private readonly clock: Clock,
    private readonly events: OidcEvents,
    private readonly faults: HostFaults,
  ) {}

  ofList(list: readonly ResolvedProvider[]): Entries {
    return new Map(
      list.map((one) => [one.name, { ...this.#made(one), written: '', fetch: undefined }]),
    );
  }

  /** Entries that did not change stay the same provider, so that nothing of theirs is forgotten or fetched again. */
  ofMap(given: ProviderMap, before: Entries = new Map()): Entries {
    const made = new Map<string, Entry>();
    for (const [name, entry] of Object.entries(given)) {
      this.#orDropped(name, () => made.set(name, this.#entryOf(name, entry, before.get(name))));
    }
    const kept = new Map<string, Entry>();
    for (const [name, entry] of made) {
      this.#orDropped(name, () => {
        refuseConflict(entry, [...kept.values()], [...made.values()], this.options);
        kept.set(name, entry);
      });
    }
    return kept;
  }

  #entryOf(name: string, entry: ProviderEntry, before: Entry | undefined): Entry {
    if (!isProviderName(name)) throw new OidcConfigError('This is no name for a provider.');
    const written = JSON.stringify(entry, (_, value: unknown) =>
      value instanceof RegExp ? String(value) : value,
    );
    if (before?.written === written && before.fetch === entry.fetch) return before;
    const resolved = resolveProviderEntry(name, entry, this.options.providers.shared);
    const fetch = resolved.fetch && reportedFetch(resolved.fetch, this.faults);
    const options = frozenCopy({ ...resolved, fetch });
    this.faults.hide([options]);
    return { ...this.#made(options), written, fetch: entry.fetch };
  }

  #made(options: ResolvedProvider): Pick<Entry, 'provider' | 'http'> {
    const http = new GuardedFetch(options, this.clock);
    const connection = new ProviderConnection(options, http, this.clock, this.events);
    return { http, provider: new IdentityProvider(options, connection, this.events, this.clock) };
  }

  /** What one entry gets wrong is no other one's business. */
  #orDropped(name: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      const reason =
        error instanceof OidcConfigError ? printable(error.message) : describeError(error);
      this.events.emit('provider-dropped', { provider: printable(name), reason });
    }
  }
}

function refuseConflict(
  { provider }: Entry,
  kept: readonly Entry[],
  all: readonly Entry[],
  { broker }: ResolvedOptions,
): void {
  const optionsOf = (entries: readonly Entry[]) => entries.map((entry) => entry.provider.options);
  const others = optionsOf(all).filter(({ name }) => name !== provider.name);
  const conflict =
    twinOf(provider.options, optionsOf(kept)) ??
    introspectionConflict(provider.options, optionsOf(kept)) ??
    claimedKeys(provider.options, others) ??
    claimedIssuer(provider.options, others, optionsOf(kept), broker);
  if (conflict !== undefined) throw new OidcConfigError(conflict);
}
