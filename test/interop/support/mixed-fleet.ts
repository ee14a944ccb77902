import { onTestFinished } from 'vitest';

import type { AdapterName, TestApp } from '../../support/app.js';
import {
  brokerTokens,
  startBrokerApp,
  type BrokerAppOptions,
  type BrokerTokens,
} from '../../support/broker-app.js';
import { handleForm, LOOPBACK_REDIRECT, postToken } from '../../support/open-login.js';
import type { TestProvider } from '../../support/provider.js';
import { UserAgent } from '../../support/user-agent.js';
import { PythonPeer, type PeerFramework, type PeerOptions } from './python-peer.js';

/** Which framework the Python peer runs on, and which our instance. */
export interface Pair {
  readonly framework: PeerFramework;
  readonly adapter: AdapterName;
}

export interface PairOptions extends Omit<BrokerAppOptions, 'provider' | 'options' | 'broker'> {
  /** The interpreter. */
  readonly python: string;
  readonly pair: Pair;
  readonly provider: PeerOptions['provider'];
  /** Path before the routes of both. */
  readonly prefix?: string;
}

/** Each framework and each adapter once. */
export const pairs: readonly Pair[] = [
  { framework: 'fastapi', adapter: 'express' },
  { framework: 'tornado', adapter: 'fastify' },
];

/** Makes a peer that is not started yet, so that others can name it; it ends with the test. */
export async function preparePeer(options: PeerOptions): Promise<PythonPeer> {
  const peer = await PythonPeer.prepare(options);
  onTestFinished(() => peer.remove());
  return peer;
}

/** Starts a peer and an instance of ours that trust each other; they end with the test. */
export async function startPair({
  python,
  pair: { framework, adapter },
  provider,
  prefix = '',
  ...options
}: PairOptions): Promise<{ peer: PythonPeer; ours: TestApp }> {
  const peer = await preparePeer({ python, framework, provider, prefix });
  const broker = { trustedIssuers: [peer.issuer] };
  const routes = { prefix };
  const ours = await startInstance({ ...options, adapter, provider, broker, options: { routes } });
  await peer.start([ours.url]);
  return { peer, ours };
}

/** Starts an instance of ours with the settings that a fleet with Python services needs. */
export async function startInstance({ broker, ...options }: BrokerAppOptions): Promise<TestApp> {
  const app = await startBrokerApp({
    ...options,
    broker: { signingAlgorithm: 'RS256', subjectClaim: 'preferred_username', ...broker },
  });
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => (closed ??= app.close());
  onTestFinished(close);
  return { ...app, close };
}

/** Logs in at a member of the fleet as the Python client's browser flow does it; the same at ours and at theirs. */
export async function logInAt(
  member: { readonly url: string },
  provider: TestProvider,
  user = 'alice',
): Promise<BrokerTokens> {
  const agent = new UserAgent();
  const query = { redirect_uri: LOOPBACK_REDIRECT, offline_access: 'true', prompt: 'consent' };
  const login = `${member.url}/auth/v2/login?${new URLSearchParams(query).toString()}`;
  const { searchParams } = new URL(await agent.loginAt(provider, login, user));
  const [code, state] = [searchParams.get('code') ?? '', searchParams.get('state') ?? ''];
  const handle = state.slice(state.lastIndexOf('|') + 1);
  const form = handleForm({ agent, redirectUri: LOOPBACK_REDIRECT, code, state, handle });
  return brokerTokens(await postToken(member, form));
}
