import { Controller, Get, type Type } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { Auth, type Diagnosis, type FindingCode, type OidcAuthOptions } from '../../lib/index.js';
import { startApp, type AppOptions } from '../support/app.js';
import { startBrokerApp } from '../support/broker-app.js';
import type { JsonMembers } from '../support/compact-jws.js';
import { codesOf, diagnosed as diagnosedApp, started } from '../support/diagnosed.js';
import { answerWith, closeSocket, html } from '../support/faults.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { startProvider } from '../support/provider.js';

@Controller()
class Stepping {
  @Get('vault')
  @Auth({ acr: ['gold', 'platinum'] })
  vault(): object {
    return {};
  }

  @Get('recent')
  @Auth({ maxAgeSec: 60 })
  recent(): object {
    return {};
  }
}

let provider: MisbehavingProvider;

beforeEach(async () => {
  provider = await startMisbehavingProvider();
});

afterEach(() => provider.close());

const diagnosed = (options: AppOptions = {}): Promise<Diagnosis> =>
  diagnosedApp({ provider, ...options });

/** The provider gives the application itself an access token too. */
function clientCredentials(token: () => string): void {
  provider.behaviour.token = (form, usual) =>
    form['grant_type'] === 'client_credentials'
      ? { status: 200, body: { access_token: token(), token_type: 'Bearer', expires_in: 300 } }
      : usual();
}

/** What a diagnosis says of handlers beside such metadata. */
const stepUpsSeen = async (metadata: JsonMembers, controllers: Type[] = [Stepping]) => {
  provider.behaviour.metadata = (document) => ({ ...document, ...metadata });
  const { findings } = await diagnosed({ controllers });
  return findings.filter(({ code }) => code === 'step-up-not-listed').map(({ seen }) => seen);
};

describe('a good set-up', () => {
  it('gives no finding with a provider that does what it is asked', async () => {
    clientCredentials(() => provider.accessToken());

    const diagnosis = await diagnosed();

    expect(diagnosis).toMatchObject({ ok: true, findings: [] });
    expect(diagnosis.facts).toContainEqual(expect.stringContaining('takes client id and secret'));
    expect(diagnosis.facts).toContainEqual(expect.stringContaining('token by client credentials'));
    expect(diagnosis.facts).toContain('publicUrl: a request through it arrives here');
  });

  it('gives none with the real oidc-provider, in passthrough mode', async () => {
    const real = await startProvider();
    onTestFinished(() => real.close());

    expect(await diagnosed({ provider: real })).toMatchObject({ ok: true, findings: [] });
  });

  it('gives none with the real oidc-provider, in broker mode', async () => {
    const real = await startProvider();
    onTestFinished(() => real.close());
    const options = {
      scopes: 'profile email offline_access',
      authorizationParameters: { prompt: 'consent' },
    };
    const { service } = await started(startBrokerApp({ provider: real, options }));

    expect(await service.diagnose()).toMatchObject({ ok: true, findings: [] });
  });

  it('spends nothing, and shows no secret', async () => {
    clientCredentials(() => provider.accessToken());

    const text = JSON.stringify(await diagnosed());

    expect(text).not.toContain(provider.clientSecret);
    expect(text).not.toMatch(/eyJ/);
  });
});

type Given = { readonly [Name in keyof OidcAuthOptions]?: OidcAuthOptions[Name] | undefined };

/** What is wrong, and the only finding that it gives. */
const symptoms: readonly [FindingCode, string, () => Given | Promise<Given>][] = [
  ['provider-unreachable', 'nobody listens', () => provider.stop().then(() => ({}))],
  [
    'no-discovery',
    'a web page instead of the document',
    () => {
      provider.behaviour.faults.discovery = html();
      return {};
    },
  ],
  ['wrong-issuer', 'another issuer by option', () => ({ issuer: 'https://other.example.org' })],
  [
    'wrong-issuer',
    'another issuer in the document',
    () => {
      provider.behaviour.metadata = (document) => ({ ...document, issuer: `${provider.issuer}/` });
      return { issuer: provider.issuer };
    },
  ],
  [
    'endpoint-missing',
    'no token endpoint',
    () => {
      provider.behaviour.metadata = ({ token_endpoint: _gone, ...document }) => document;
      return {};
    },
  ],
  [
    'endpoint-missing',
    'an endpoint that cannot be trusted',
    () => {
      provider.behaviour.metadata = (document) => ({
        ...document,
        token_endpoint: 'http://idp.example.org/token',
      });
      return {};
    },
  ],
  [
    'code-flow-off',
    'the implicit flow alone',
    () => {
      provider.behaviour.metadata = (document) => ({
        ...document,
        response_types_supported: ['id_token'],
      });
      return {};
    },
  ],
  [
    'no-keys',
    'an empty key set',
    () => {
      provider.behaviour.jwks = () => ({ keys: [] });
      return {};
    },
  ],
  [
    'no-keys',
    'a key set that does not come',
    () => {
      provider.behaviour.faults.jwks = closeSocket('before');
      return {};
    },
  ],
  [
    'wrong-secret',
    'a wrong secret',
    () => ({ clientSecret: 'another-secret-of-32-characters-here' }),
  ],
  ['wrong-secret', 'a wrong client', () => ({ clientId: 'somebody', audience: 'my-aud' })],
  [
    'wrong-secret',
    'as Keycloak says it',
    () => {
      provider.behaviour.faults.token = answerWith({
        status: 401,
        body: { error: 'unauthorized_client' },
      });
      return {};
    },
  ],
  [
    'wrong-authentication',
    'client_secret_post alone, and not said so',
    () => {
      provider.behaviour.token = (form, usual) =>
        form['client_secret'] === undefined
          ? { status: 401, body: { error: 'invalid_client' } }
          : usual();
      return {};
    },
  ],
  [
    'grant-off',
    'a client for jobs alone',
    () => {
      provider.behaviour.token = () => ({ status: 400, body: { error: 'unauthorized_client' } });
      return {};
    },
  ],
  [
    'scope-refused',
    'a scope that nobody knows',
    () => {
      provider.behaviour.authorization = () => new URLSearchParams({ error: 'invalid_scope' });
      return {};
    },
  ],
  [
    'authorization-refused',
    'something else',
    () => {
      provider.behaviour.authorization = () => new URLSearchParams({ error: 'server_error' });
      return {};
    },
  ],
  [
    'redirect-uri-not-registered',
    'as Keycloak says it',
    () => {
      provider.behaviour.faults.authorization = answerWith({
        status: 400,
        headers: { 'content-type': 'text/html' },
        body: '<p>We are sorry... Invalid parameter: redirect_uri</p>',
      });
      return {};
    },
  ],
  [
    'redirect-uri-not-registered',
    'as Google says it',
    () => {
      const authError = Buffer.from('\n\x15redirect_uri_mismatch').toString('base64url');
      provider.behaviour.faults.authorization = answerWith({
        status: 302,
        headers: { location: `/signin/oauth/error?authError=${authError}` },
      });
      return {};
    },
  ],
  [
    'redirect-uri-not-registered',
    'as Entra ID says it',
    () => {
      provider.behaviour.faults.authorization = answerWith({
        status: 200,
        headers: { 'content-type': 'text/html' },
        body: '<p>AADSTS50011: error: The redirect URI does not match</p>',
      });
      return {};
    },
  ],
  [
    'unknown-client',
    'a page about the client',
    () => {
      provider.behaviour.faults.authorization = answerWith({
        status: 400,
        body: 'Client not found.',
      });
      return {};
    },
  ],
  [
    'opaque-tokens',
    'random strings',
    () => {
      clientCredentials(() => 'opaque');
      return {};
    },
  ],
  [
    'audience-missing',
    'tokens for somebody else',
    () => {
      clientCredentials(() => provider.accessToken({ aud: 'account' }));
      return {};
    },
  ],
  [
    'no-sub',
    'no basic scope of Keycloak 25',
    () => {
      clientCredentials(() => provider.accessToken({ sub: undefined }));
      return {};
    },
  ],
  [
    'token-issuer',
    'access tokens of another name',
    () => {
      clientCredentials(() => provider.accessToken({ iss: 'https://sts.example.org' }));
      return {};
    },
  ],
  [
    'token-algorithm',
    'an algorithm that is not taken',
    () => {
      clientCredentials(() => provider.accessToken());
      return { tokenAlgorithms: ['ES512'] };
    },
  ],
  [
    'no-refresh-tokens',
    'no such grant',
    () => {
      provider.behaviour.metadata = (document) => ({
        ...document,
        grant_types_supported: ['authorization_code'],
      });
      return {};
    },
  ],
  [
    'encryption-keys-missing',
    'a short secret',
    () => {
      provider.behaviour.checkClient = false;
      return { clientSecret: 'short' };
    },
  ],
];

describe('what is wrong with a provider', () => {
  it.each(symptoms)('%s: %s', async (code, _symptom, arrange) => {
    const options = await arrange();

    expect(codesOf(await diagnosed({ options }))).toEqual([code]);
  });

  it.each([
    [-20, 'behind', 'error'],
    [20, 'ahead of', 'error'],
    [20, 'ahead of', 'warning', 60],
  ])('clock-off: %d s', async (offSec, way, severity, clockToleranceSec = 5) => {
    provider.behaviour.faults.discovery = async ({ response, usual }) => {
      const { body } = await usual();
      const date = new Date(Date.now() + offSec * 1000).toUTCString();
      response.writeHead(200, { 'content-type': 'application/json', date });
      response.end(JSON.stringify(body));
    };

    const { findings } = await diagnosed({ options: { clockToleranceSec } });

    expect(findings).toMatchObject([{ code: 'clock-off', severity }]);
    expect(findings[0]?.seen).toMatch(new RegExp(`its clock is (19|20|21) s ${way} ours`));
  });

  it('redirect-uri-not-registered: as the real oidc-provider says it', async () => {
    const real = await startProvider({ anyLoopbackRedirect: false });
    onTestFinished(() => real.close());

    const { findings } = await diagnosed({ provider: real });

    expect(findings).toMatchObject([{ code: 'redirect-uri-not-registered' }]);
    expect(findings[0]?.seen).toMatch(/does not take http:\/\/localhost:\d+\/auth\/v2\/callback$/);
  });

  it('wrong-secret: as the real oidc-provider says it', async () => {
    const real = await startProvider();
    onTestFinished(() => real.close());
    const options = { clientSecret: 'another-secret-of-32-characters-here' };

    expect(codesOf(await diagnosed({ provider: real, options }))).toEqual(['wrong-secret']);
  });

  it('no-roles: of a realm of Keycloak', async () => {
    const realm = await startMisbehavingProvider({ path: '/realms/demo' });
    onTestFinished(() => realm.close());
    const { service } = await started(startApp({ provider: realm }));

    const without = await service.diagnose({
      accessToken: realm.accessToken({ realm_access: undefined, resource_access: undefined }),
    });
    const mapped = await service.diagnose({ accessToken: realm.accessToken() });

    expect(codesOf(without)).toEqual(['no-roles']);
    expect(codesOf(mapped)).toEqual([]);
  });

  it('step-up-not-listed: what a handler demands and the metadata do not list', async () => {
    const acr_values_supported = ['bronze', 'silver'];
    const claims_supported = ['sub', 'acr'];

    expect(await stepUpsSeen({ acr_values_supported, claims_supported })).toEqual([
      '@Auth({ acr }) on Stepping.vault wants gold or platinum, and "acr_values_supported" is bronze, silver',
      '@Auth({ maxAgeSec }) on Stepping.recent needs auth_time, which "claims_supported" has not',
    ]);
    expect(await stepUpsSeen({ acr_values_supported: ['platinum'] })).toEqual([]);
    expect(await stepUpsSeen({ claims_supported: ['auth_time'] })).toEqual([]);
    expect(await stepUpsSeen({})).toEqual([]);
    expect(await stepUpsSeen({ acr_values_supported, claims_supported }, [])).toEqual([]);
  });

  it('no-refresh-tokens: in broker mode, without offline_access or consent', async () => {
    const plain = await started(startBrokerApp({ provider }));
    const options = { scopes: 'profile email offline_access' };
    const offline = await started(startBrokerApp({ provider, options }));

    const [first, second] = [await plain.service.diagnose(), await offline.service.diagnose()];

    expect(first.findings).toMatchObject([
      { code: 'no-refresh-tokens', severity: 'warning', seen: expect.stringMatching(/do not ask/) },
    ]);
    expect(second.findings).toMatchObject([
      { code: 'no-refresh-tokens', seen: expect.stringMatching(/prompt=consent/) },
    ]);
  });

  it('opaque-tokens and no-refresh-tokens: of Google, without asking it for a token', async () => {
    const document = {
      issuer: 'https://accounts.google.com',
      authorization_endpoint: 'https://accounts.google.com/o/oauth2/v2/auth',
      token_endpoint: 'https://oauth2.googleapis.com/token',
      jwks_uri: 'https://www.googleapis.com/oauth2/v3/certs',
    };
    const fetch = async (url: string): Promise<Response> => {
      if (url.includes('openid-configuration')) return Response.json(document);
      if (url.includes('certs')) return Response.json(provider.jwks);
      if (url.includes('/token')) return Response.json({ error: 'invalid_grant' }, { status: 400 });
      if (url.includes('/auth?')) return new Response('<p>Sign in</p>');
      return globalThis.fetch(url);
    };
    const discoveryUrl = 'https://accounts.google.com/.well-known/openid-configuration';

    const found = codesOf(await diagnosed({ options: { discoveryUrl, fetch } }));

    expect(found).toEqual(expect.arrayContaining(['opaque-tokens', 'no-refresh-tokens']));
  });

  it('providers-unknown: a function that fails', async () => {
    const several = { providers: () => Promise.reject(new Error('no database')) };

    expect(codesOf(await diagnosed({ several }))).toContain('providers-unknown');
  });
});
