import { describe, expect, it } from 'vitest';

import type { OAuthError } from '../../../lib/errors/oauth.error.js';
import type { MisbehavingProviderOptions } from '../../support/misbehaving-provider.js';
import { capturedLogs } from '../../support/output-capture.js';
import { alice } from '../../support/users.js';
import { startVerifier, type TestVerifier } from '../../support/verifier.js';

const HOUR_SEC = 3600;

/** The algorithm that signs fastest. */
const EDWARDS: MisbehavingProviderOptions = { algorithms: ['EdDSA'] };

/** What counts as absent, without a word. */
const absent: readonly [kind: string, value: unknown][] = [
  ['left out', undefined],
  ['null', null],
  ['an empty text', ''],
];

/** What is there and of no use. */
const unusable: readonly [kind: string, value: unknown][] = [
  ['http outside loopback', 'http://idp.example.org/x'],
  ['http to an address that resolves to loopback', 'http://127.0.0.1.nip.io/x'],
  ['http to the metadata service of a cloud', 'http://169.254.169.254/latest/meta-data'],
  ['a file', 'file:///etc/passwd'],
  ['a script', 'javascript:alert(1)'],
  ['an address with credentials', 'https://user:password@idp.example.org/x'],
  ['a relative address', '/x'],
  ['a blank', ' '],
  ['an address of 2,001 characters', `https://idp.example.org/${'x'.repeat(1977)}`],
  ['a number', 1],
  ['a list', ['https://idp.example.org/x']],
  ['an object', {}],
  ['false', false],
];

type Use = (verifier: TestVerifier) => Promise<unknown>;

/** A member of the metadata, what needs it, and what comes of that when the member is not there. */
const members: Readonly<Record<string, { use: Use; without: unknown }>> = {
  authorization_endpoint: {
    use: ({ provider }) =>
      provider.authorizationUrl({
        redirectUri: 'http://localhost:53100/callback',
        scope: 'openid',
        state: 'state',
        nonce: 'nonce',
        codeVerifier: 'v'.repeat(43),
        prompt: undefined,
      }),
    without: '502 server_error',
  },
  token_endpoint: {
    use: ({ provider }) => provider.refresh('a-refresh-token', undefined),
    without: '502 server_error',
  },
  device_authorization_endpoint: {
    use: ({ provider }) => provider.startDeviceLogin('openid'),
    without: '503 temporarily_unavailable',
  },
  userinfo_endpoint: {
    use: ({ provider }) => provider.userinfo('an-access-token', alice.sub),
    without: undefined,
  },
  revocation_endpoint: {
    use: ({ provider }) => provider.revoke('a-refresh-token', undefined),
    without: '400 unsupported_token_type',
  },
  end_session_endpoint: {
    use: ({ provider }) => provider.endSessionUrl({}),
    without: undefined,
  },
};

async function outcomeOf(use: Promise<unknown>): Promise<unknown> {
  return use.catch((error: OAuthError) => `${error.getStatus()} ${error.error}`);
}

const names = Object.keys(members);
const cases = names.flatMap((member) =>
  [...absent, ...unusable].map(([kind, value]) => ({ member, kind, value })),
);

function warningsSince(linesBefore: number, member: string): string[] {
  return capturedLogs()
    .slice(linesBefore)
    .filter((line) => line.includes('WARN') && line.includes(`"${member}"`));
}

describe('a member of the metadata that is no usable address', () => {
  it.each(cases)(
    'JW-4: $member, $kind: stops what needs it, and nothing else',
    async ({ member, value }) => {
      const { provider, verifier } = await startVerifier({ provider: EDWARDS });
      provider.behaviour.metadata = (document) => ({ ...document, [member]: value });
      const { use, without } = members[member] ?? {};

      expect(await verifier.outcome(provider.accessToken())).toBe('accepted');
      expect(await outcomeOf(use?.(verifier) ?? Promise.reject(new Error('no such use')))).toBe(
        without,
      );
      for (const other of names.filter((name) => name !== member)) {
        const outcome = await outcomeOf(members[other]?.use(verifier) ?? Promise.resolve('none'));
        expect(outcome, other).not.toBe(members[other]?.without ?? 'nothing');
      }
    },
  );

  it.each(unusable)('JW-4: is named in one warning, with the mend: %s', async (_kind, value) => {
    for (const member of [...names, 'jwks_uri']) {
      const { clock, provider, verifier } = await startVerifier({ provider: EDWARDS });
      provider.behaviour.metadata = (document) => ({ ...document, [member]: value });
      const linesBefore = capturedLogs().length;

      for (let hour = 0; hour < 3; hour += 1) {
        await verifier.outcome(provider.accessToken());
        await verifier.settled();
        clock.advance(HOUR_SEC + 1);
      }

      const [warning, ...more] = warningsSince(linesBefore, member);
      expect(warning).toMatch(/jwksUri|endpoints\.\w+/);
      expect(warning).not.toContain('password');
      expect(more).toEqual([]);
    }
  });

  it.each(absent)('JW-4: is no matter of the log when it is %s', async (_kind, value) => {
    for (const member of names) {
      const { provider, verifier } = await startVerifier({ provider: EDWARDS });
      provider.behaviour.metadata = (document) => ({ ...document, [member]: value });
      const linesBefore = capturedLogs().length;

      await verifier.verify(provider.accessToken());

      expect(warningsSince(linesBefore, member)).toEqual([]);
    }
  });

  it('JW-4: is no matter where the option has another address', async () => {
    const { clock, provider } = await startVerifier({ provider: EDWARDS });
    const endpoints = { token: `${provider.issuer}/token` };
    const { verifier } = await startVerifier({
      options: { discoveryUrl: provider.discoveryUrl, endpoints },
    });
    provider.behaviour.now = () => clock.now();
    provider.behaviour.metadata = (document) => ({ ...document, token_endpoint: 'http://x.test' });
    const linesBefore = capturedLogs().length;

    const outcome = await outcomeOf(verifier.provider.refresh('unknown-token', undefined));

    expect(outcome).toBe('400 invalid_grant');
    expect(warningsSince(linesBefore, 'token_endpoint')).toEqual([]);
  });

  it('JW-4: takes an address of 2,000 characters', async () => {
    const { provider, verifier } = await startVerifier({ provider: EDWARDS });
    const end_session_endpoint = `https://idp.example.org/${'x'.repeat(1976)}`;
    provider.behaviour.metadata = (document) => ({ ...document, end_session_endpoint });

    expect(await verifier.provider.endSessionUrl({})).toContain(end_session_endpoint);
  });

  it.each([
    ['other lists', ['id_token_signing_alg_values_supported', 'scopes_supported']],
    ['the methods of authentication', ['token_endpoint_auth_methods_supported']],
    ['flags', ['authorization_response_iss_parameter_supported', 'claims_parameter_supported']],
  ])('JW-4: does not matter in members that are no addresses: %s', async (_kind, others) => {
    for (const value of [null, '', 'x', 1, {}, [null, 1, {}]]) {
      const { provider, verifier } = await startVerifier({ provider: EDWARDS });
      const odd = Object.fromEntries(others.map((name) => [name, value]));
      provider.behaviour.metadata = (document) => ({ ...document, ...odd });

      expect(await verifier.outcome(provider.accessToken())).toBe('accepted');
      expect(await outcomeOf(verifier.provider.refresh('unknown', undefined))).toBe(
        '400 invalid_grant',
      );
    }
  });
});

describe('metadata that is read again', () => {
  it.each(['authorization_endpoint', 'token_endpoint', 'jwks_uri'])(
    'JW-5: is not used when its %s, which nobody can do without, is gone',
    async (member) => {
      for (const value of [undefined, null, '', 'http://idp.example.org/x']) {
        const { clock, provider, verifier } = await startVerifier({ provider: EDWARDS });
        await verifier.verify(provider.accessToken());
        provider.behaviour.metadata = (document) => ({
          ...document,
          [member]: value,
          end_session_endpoint: 'https://elsewhere.example.org/',
        });
        const failures = verifier.record('provider-failed');

        clock.advance(HOUR_SEC + 1);
        await verifier.verify(provider.accessToken());
        await verifier.settled();

        expect(failures.map(({ reason }) => reason).join()).toContain(member);
        expect(await verifier.provider.endSessionUrl({})).not.toContain('elsewhere');
        expect(await verifier.outcome(provider.accessToken())).toBe('accepted');
      }
    },
  );

  it('JW-5: is used when an endpoint that nobody needs is gone', async () => {
    const { clock, provider, verifier } = await startVerifier({ provider: EDWARDS });
    await verifier.verify(provider.accessToken());
    provider.behaviour.metadata = ({ device_authorization_endpoint: _gone, ...rest }) => rest;

    clock.advance(HOUR_SEC + 1);
    await verifier.verify(provider.accessToken());
    await verifier.settled();

    expect(await outcomeOf(verifier.provider.startDeviceLogin('openid'))).toBe(
      '503 temporarily_unavailable',
    );
  });
});
