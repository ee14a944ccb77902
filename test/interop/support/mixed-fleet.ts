import type { AdapterName, TestApp } from '../../support/app.js';
import {
  brokerTokens,
  startBrokerApp,
  type BrokerAppOptions,
  type BrokerTokens,
} from '../../support/broker-app.js';
import { handleForm, LOOPBACK_REDIRECT, postToken } from '../../support/open-login.js';
import { startProvider, type TestProvider } from '../../support/provider.js';
import { UserAgent } from '../../support/user-agent.js';
import { PythonPeer, type PeerFramework, type PeerOptions } from './python-peer.js';

/** Which framework the Python peers run on, and which adapter our instances. */
export interface Pair {
  readonly framework: PeerFramework;
  readonly adapter: AdapterName;
}

/** Each framework and each adapter once. */
export const pairs: readonly Pair[] = [
  { framework: 'fastapi', adapter: 'express' },
  { framework: 'tornado', adapter: 'fastify' },
];

/** Python peers and instances of ours, and the identity provider of all of them. */
export class MixedFleet {
  readonly #ends: (() => Promise<void>)[] = [];

  private constructor(
    private readonly python: string,
    private readonly pair: Pair,
    private readonly provider: TestProvider,
  ) {}

  static async start(python: string, pair: Pair): Promise<MixedFleet> {
    return new MixedFleet(python, pair, await startProvider());
  }

  /** Ends all members, also those that ended before. */
  async end(): Promise<void> {
    await Promise.all(this.#ends.map((end) => end()));
    await this.provider.close();
  }

  /** A peer that does not run yet, so that others can name it. */
  async preparePeer(
    options: Partial<Pick<PeerOptions, 'issuer' | 'prefix'>> = {},
  ): Promise<PythonPeer> {
    const { python, provider } = this;
    const { framework } = this.pair;
    const peer = await PythonPeer.prepare({ python, framework, provider, ...options });
    this.#ends.push(() => peer.remove());
    return peer;
  }

  /** An instance of ours with the settings that a fleet with Python services needs. */
  async startInstance({ broker, ...options }: BrokerAppOptions = {}): Promise<TestApp> {
    const app = await startBrokerApp({
      adapter: this.pair.adapter,
      provider: this.provider,
      ...options,
      broker: { signingAlgorithm: 'RS256', subjectClaim: 'preferred_username', ...broker },
    });
    let closed: Promise<void> | undefined;
    const close = (): Promise<void> => (closed ??= app.close());
    this.#ends.push(close);
    return { ...app, close };
  }

  /** A peer and an instance that trust each other. */
  async startPair({
    prefix = '',
    ...options
  }: BrokerAppOptions & { prefix?: string } = {}): Promise<{
    readonly peer: PythonPeer;
    readonly ours: TestApp;
  }> {
    const peer = await this.preparePeer({ prefix });
    const broker = { trustedIssuers: [peer.issuer] };
    const ours = await this.startInstance({ ...options, broker, options: { routes: { prefix } } });
    await peer.start([ours.url]);
    return { peer, ours };
  }

  /** Logs in as the Python client's browser flow does it: the same steps at ours and at theirs. */
  async logIn(member: { readonly url: string }, user = 'alice'): Promise<BrokerTokens> {
    const agent = new UserAgent();
    const query = { redirect_uri: LOOPBACK_REDIRECT, offline_access: 'true', prompt: 'consent' };
    const login = `${member.url}/auth/v2/login?${new URLSearchParams(query).toString()}`;
    const { searchParams } = new URL(await agent.loginAt(this.provider, login, user));
    const [code, state] = [searchParams.get('code') ?? '', searchParams.get('state') ?? ''];
    const handle = state.slice(state.lastIndexOf('|') + 1);
    const form = handleForm({ agent, redirectUri: LOOPBACK_REDIRECT, code, state, handle });
    return brokerTokens(await postToken(member, form));
  }
}
