import { calculatePKCECodeChallenge, randomPKCECodeVerifier } from 'openid-client';

import { registerSecret } from './canary-secrets.js';
import { request, type Reply } from './http-request.js';
import { UserAgent } from './user-agent.js';

/** A loopback redirect of the kind that the Python client uses. */
export const LOOPBACK_REDIRECT = 'http://localhost:53100/callback';

/** A login that the user finished at the provider and that nobody redeemed yet. */
export interface OpenLogin {
  /** The browser that began it. */
  readonly agent: UserAgent;
  readonly redirectUri: string;
  readonly code: string;
  /** As it came back, whole. */
  readonly state: string;
  /** What follows the last `|` of `state`. */
  readonly handle: string;
}

export interface OpenLoginOptions {
  /** @defaultValue {@link LOOPBACK_REDIRECT} */
  redirectUri?: string;
  /** Default: a fresh browser. */
  agent?: UserAgent;
  /** More parameters of the login route. */
  query?: Readonly<Record<string, string>>;
}

/**
 * Begins a login at an application and lets a provider that asks no questions finish its part.
 *
 * @example `const { code, handle, redirectUri } = await openLogin(app);`
 */
export async function openLogin(
  app: { readonly url: string },
  { redirectUri = LOOPBACK_REDIRECT, agent = new UserAgent(), query = {} }: OpenLoginOptions = {},
): Promise<OpenLogin> {
  const parameters = new URLSearchParams({ redirect_uri: redirectUri, ...query });
  const begun = await agent.get(`${app.url}/auth/v2/login?${parameters.toString()}`, {
    follow: false,
  });
  if (begun.location === undefined) throw new Error(`No login: ${begun.status} ${begun.text()}`);

  const { location: back } = await agent.get(begun.location, { follow: false });
  const state = back?.searchParams.get('state') ?? '';
  const code = back?.searchParams.get('code') ?? '';
  return { agent, redirectUri, code, state, handle: state.slice(state.lastIndexOf('|') + 1) };
}

/** The part of the form that every redemption has. */
export function codeForm({ code, redirectUri }: OpenLogin): Record<string, string> {
  return { code, redirect_uri: redirectUri };
}

/** The form that redeems a login by its handle, as the Python client posts it. */
export function handleForm(login: OpenLogin): Record<string, string> {
  return { ...codeForm(login), grant_type: 'authorization_code', code_verifier: login.handle };
}

/** Posts to the token route, without cookies. */
export function postToken(
  app: { readonly url: string },
  form: Readonly<Record<string, string>> | URLSearchParams,
): Promise<Reply> {
  return request(`${app.url}/auth/v2/token`, { form });
}

/** A client's own PKCE pair (RFC 7636 §4.1, §4.2). */
export async function clientPkce(): Promise<{
  readonly verifier: string;
  /** What the login route is sent. */
  readonly query: Readonly<Record<string, string>>;
}> {
  const verifier = randomPKCECodeVerifier();
  registerSecret(verifier, 'PKCE verifier of a client');
  const code_challenge = await calculatePKCECodeChallenge(verifier);
  return { verifier, query: { code_challenge, code_challenge_method: 'S256' } };
}
