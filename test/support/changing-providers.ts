import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
import type { ProviderMap } from '../../lib/options/several-providers.js';
import { Providers } from '../../lib/providers/providers.js';
import type { AppOptions, TestApp } from './app.js';
import { BROKER_AUDIENCE } from './broker-app.js';
import { type TwoProviders, startTwoProviderApp } from './two-providers.js';

/** An application whose providers come and go. */
export interface ChangingApp extends TestApp {
  /** Lets it ask for this map now, instead of within seconds. */
  change(map: unknown): Promise<void>;
  /** Lets it ask, and gives it this answer. */
  answer(source: () => unknown): Promise<void>;
}

/** In broker mode unless `broker` is false. */
export async function startChangingApp(
  both: TwoProviders,
  first: unknown,
  {
    broker = true,
    store = new MemoryBrokerStore(),
    options,
    ...app
  }: Omit<AppOptions, 'several'> & { broker?: boolean; store?: MemoryBrokerStore } = {},
): Promise<ChangingApp> {
  let source: () => unknown = () => first;
  const started = await startTwoProviderApp(both, {
    ...app,
    several: { providers: async () => untyped(await source()), providersPollSec: 10 },
    options: {
      ...(broker
        ? {
            broker: {
              audience: BROKER_AUDIENCE,
              store,
              signingAlgorithm: 'ES256',
              issuer: 'https://issuer.example.org',
            },
          }
        : {}),
      ...options,
    },
  });
  const providers = started.app.get(Providers, { strict: false });
  const answer = async (next: () => unknown): Promise<void> => {
    source = next;
    await providers.refresh(); // joins the question at start, if that is still under way
    await providers.refresh();
  };
  return { ...started, answer, change: (map) => answer(() => map) };
}

/** Hosts without types give anything. */
function untyped(map: unknown): ProviderMap {
  const box: { map: ProviderMap } = { map: {} };
  Reflect.set(box, 'map', map);
  return box.map;
}
