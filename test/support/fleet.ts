import { onTestFinished } from 'vitest';

import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
import type { BrokerStore, BrokerOptions } from '../../lib/index.js';
import { startApp, type AdapterName, type AppOptions, type TestApp } from './app.js';
import { FakeClock } from './fake-clock.js';
import { FLEET_AUDIENCE } from './federation.js';
import { GuardedRoutes } from './guarded-routes.js';
import { startMisbehavingProvider, type MisbehavingProvider } from './misbehaving-provider.js';
import { handleForm, openLogin, postToken } from './open-login.js';

/** Tokens as the token route gives them. */
export interface FleetTokens {
  readonly accessToken: string;
  readonly refreshToken: string;
}

/** One application of a {@link Fleet}. */
export interface FleetMember extends TestApp {
  /** `iss` of its tokens, which is also its public address. */
  readonly issuer: string;
  readonly store: BrokerStore;
}

export interface FleetMemberOptions {
  readonly adapter: AdapterName;
  readonly trustedIssuers?: BrokerOptions['trustedIssuers'];
  readonly broker?: Partial<BrokerOptions>;
  /** Also path before its routes. */
  readonly routes?: { prefix: string };
  readonly store?: BrokerStore;
  readonly options?: AppOptions['options'];
}

/**
 * Applications of different public names in this process, which find each other as by DNS and a proxy that ends TLS,
 * and the identity provider of all of them. They go by one clock, and end with the test.
 */
export class Fleet {
  readonly #servers = new Map<string, string>();

  private constructor(
    readonly provider: MisbehavingProvider,
    readonly clock: FakeClock,
  ) {}

  static async start(clock = new FakeClock()): Promise<Fleet> {
    const provider = await startMisbehavingProvider();
    onTestFinished(() => provider.close());
    const fleet = new Fleet(provider, clock);
    provider.behaviour.now = () => clock.now();
    return fleet;
  }

  /** Starts `https://<name>.example.org`, or the same one again. */
  async add(
    name: string,
    { adapter, trustedIssuers, broker, routes, store, options }: FleetMemberOptions,
  ): Promise<FleetMember> {
    const issuer = addressOf(name);
    const kept = store ?? new MemoryBrokerStore();
    const app = await startApp({
      adapter,
      clock: this.clock,
      provider: this.provider,
      controllers: [GuardedRoutes],
      options: {
        publicUrl: issuer,
        fetch: (url, init) => fetch(this.#reach(url), init),
        ...(routes === undefined ? {} : { routes }),
        ...options,
        broker: {
          audience: FLEET_AUDIENCE,
          store: kept,
          signingAlgorithm: 'ES256', // an RSA key takes a second to make
          ...(trustedIssuers === undefined ? {} : { trustedIssuers }),
          ...broker,
        },
      },
    });
    this.reach(issuer, app.url);
    let closed: Promise<void> | undefined;
    const close = (): Promise<void> => (closed ??= app.close());
    onTestFinished(close);
    return { ...app, close, issuer, store: kept };
  }

  /** From now on this server answers under that address. */
  reach(address: string, server: string): void {
    this.#servers.set(address, server);
  }

  #reach(url: string): string {
    const { origin } = new URL(url);
    return (this.#servers.get(origin) ?? origin) + url.slice(origin.length);
  }
}

/** The issuer of a member, before it is there. */
export function addressOf(name: string): string {
  return `https://${name}.example.org`;
}

/** Logs alice in, as a command-line client does. */
export async function logIn(app: { readonly url: string }): Promise<FleetTokens> {
  const reply = await postToken(app, handleForm(await openLogin(app)));
  const { access_token: accessToken, refresh_token: refreshToken } = reply.json();
  if (typeof accessToken !== 'string' || typeof refreshToken !== 'string') {
    throw new Error(`No tokens: ${reply.status} ${reply.text()}`);
  }
  return { accessToken, refreshToken };
}
