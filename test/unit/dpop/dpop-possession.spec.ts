import { beforeAll, describe, expect, it } from 'vitest';

import { DpopPossession } from '../../../lib/dpop/dpop-possession.js';
import { Proofs } from '../../../lib/dpop/proofs.js';
import { reasonOf } from '../../../lib/errors/describe-error.js';
import { OAuthError } from '../../../lib/errors/oauth.error.js';
import type { OidcAuthOptions } from '../../../lib/options/oidc-auth-options.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import { resolveRoutes } from '../../../lib/options/resolve-routes.js';
import { KeyRing } from '../../../lib/sealing/key-ring.js';
import type { PresentedToken } from '../../../lib/tokens/bearer-token.js';
import type { Credentials } from '../../../lib/tokens/identity.js';
import { ProvingClient } from '../../support/dpop.js';
import { FakeClock } from '../../support/fake-clock.js';

const TOKEN = 'the-access-token';
const PUBLIC_URL = 'https://api.example.org';
const clock = new FakeClock(new Date('2026-05-04T10:00:00Z'));

let client: ProvingClient;

function possession(changed: Partial<OidcAuthOptions> = {}): DpopPossession {
  const given: OidcAuthOptions = {
    clientId: 'my-client',
    discoveryUrl: 'https://idp.example.org',
    audience: 'my-aud',
    publicUrl: PUBLIC_URL,
    ...changed,
  };
  const routes = resolveRoutes({ login: false, callback: false, logout: false });
  const options = resolveOptions(given, routes);
  return new DpopPossession(new Proofs(clock, new KeyRing(options, clock), options), options);
}

/** A request for the orders, with a proof that fits. */
async function proved(
  request: Partial<Credentials> = {},
  claims: Readonly<Record<string, unknown>> = {},
): Promise<Credentials> {
  const iat = clock.now().getTime() / 1000;
  const parts = { method: 'GET', url: `${PUBLIC_URL}/orders`, token: TOKEN };
  const dpop = await client.proof({ ...parts, claims: { iat, ...claims } });
  return { headers: { dpop }, method: 'GET', url: '/orders', ...request };
}

const presented = (scheme: PresentedToken['scheme']): PresentedToken => ({ scheme, token: TOKEN });

async function outcome(proving: Promise<string | undefined>): Promise<string> {
  try {
    await proving;
    return 'taken';
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    return `${error.getStatus()} ${error.error}: ${reasonOf(error)?.name}`;
  }
}

beforeAll(async () => {
  client = await ProvingClient.create();
});

describe('a token that is bound to a key', () => {
  it.each<[what: string, Partial<Credentials>]>([
    ['a request', {}],
    ['a request that others may ask about', { request: {} }],
  ])('DP-1: is taken in %s with its proof', async (_, request) => {
    const proving = possession().prove(presented('DPoP'), client.jkt, await proved(request));

    expect(await outcome(proving)).toBe('taken');
  });

  it.each<[what: string, Partial<Credentials>]>([
    ['of no known method', { method: undefined }],
    ['of no known address', { url: undefined }],
    ['that opens a connection', { handshake: true }],
  ])('DP-1: is refused in a request %s, whatever proof it brings', async (_, request) => {
    const proving = possession().prove(presented('DPoP'), client.jkt, await proved(request));

    expect(await outcome(proving)).toBe(
      '401 invalid_token: a token that is bound to a key, where no proof can come with it',
    );
  });

  it('DP-1: is refused as a bearer token', async () => {
    const proving = possession().prove(presented('Bearer'), client.jkt, await proved());

    expect(await outcome(proving)).toBe(
      '401 invalid_token: a token that is bound to a key came as a bearer token',
    );
  });

  it.each<[what: string, Partial<OidcAuthOptions>, Partial<Credentials>]>([
    ['nobody says where we are', { publicUrl: undefined }, {}],
    ['the path reads in two ways', {}, { url: '/a/../orders' }],
  ])('DP-2: has no proof that names no address where %s', async (_, options, request) => {
    const credentials = await proved(request, { htu: undefined });

    const proving = possession(options).prove(presented('DPoP'), client.jkt, credentials);

    expect(await outcome(proving)).toBe(
      '401 invalid_dpop_proof: the address of the request is not known',
    );
  });
});

describe('a token that is bound to no key', () => {
  it.each<[dpop: NonNullable<OidcAuthOptions['dpop']>, PresentedToken['scheme'], outcome: string]>([
    ['optional', 'Bearer', 'taken'],
    [false, 'Bearer', 'taken'],
    ['required', 'Bearer', '401 invalid_token: a bearer token, and none is taken'],
    [
      'optional',
      'DPoP',
      '401 invalid_token: a token that is bound to no key came with the scheme DPoP',
    ],
  ])('DP-1: with the option %j, by the scheme %s: %s', async (dpop, scheme, expected) => {
    const proving = possession({ dpop }).prove(presented(scheme), undefined, await proved());

    expect(await outcome(proving)).toBe(expected);
  });
});
