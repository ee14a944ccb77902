import { describe, expect, it } from 'vitest';

import { startVerifier, buildVerifier } from '../../support/verifier.js';
import { resolveWith, startUpMessage } from './config-error.js';

const DOCUMENT = '/.well-known/openid-configuration';

/** What a developer writes, where the metadata is asked for, and which issuer it must name. */
const spellings: readonly [written: string, asked: string, issuer: string][] = [
  // The address of the document.
  [`https://idp.test${DOCUMENT}`, `https://idp.test${DOCUMENT}`, 'https://idp.test'],
  [`https://idp.test/a/b${DOCUMENT}`, `https://idp.test/a/b${DOCUMENT}`, 'https://idp.test/a/b'],
  [`https://idp.test/a${DOCUMENT}/`, `https://idp.test/a${DOCUMENT}`, 'https://idp.test/a'],
  [`https://idp.test/a/${DOCUMENT}`, `https://idp.test/a${DOCUMENT}`, 'https://idp.test/a'],
  [
    'https://idp.test/a/.Well-Known/OpenID-Configuration',
    `https://idp.test/a${DOCUMENT}`,
    'https://idp.test/a',
  ],
  ['https://idp.test/a/.well-known', `https://idp.test/a${DOCUMENT}`, 'https://idp.test/a'],
  ['https://idp.test/a/.well-known/', `https://idp.test/a${DOCUMENT}`, 'https://idp.test/a'],
  [
    'https://idp.test/a/.well-known/oauth-authorization-server',
    'https://idp.test/a/.well-known/oauth-authorization-server',
    'https://idp.test/a',
  ],
  [
    'https://idp.test/.well-known/oauth-authorization-server/a/b',
    'https://idp.test/.well-known/oauth-authorization-server/a/b',
    'https://idp.test/a/b',
  ],
  [
    'https://idp.test/a/.well-known/something-else',
    'https://idp.test/a/.well-known/something-else',
    'https://idp.test/a',
  ],
  // The issuer.
  ['https://idp.test', `https://idp.test${DOCUMENT}`, 'https://idp.test'],
  ['https://idp.test/', `https://idp.test${DOCUMENT}`, 'https://idp.test'],
  ['https://idp.test/a', `https://idp.test/a${DOCUMENT}`, 'https://idp.test/a'],
  ['https://idp.test/a/', `https://idp.test/a${DOCUMENT}`, 'https://idp.test/a'],
  ['https://idp.test/a//', `https://idp.test/a${DOCUMENT}`, 'https://idp.test/a'],
  // Queries stay behind the path, and are no part of the issuer.
  [
    `https://idp.test/a${DOCUMENT}?p=B2C_1_x`,
    `https://idp.test/a${DOCUMENT}?p=B2C_1_x`,
    'https://idp.test/a',
  ],
  ['https://idp.test/a?p=x', `https://idp.test/a${DOCUMENT}?p=x`, 'https://idp.test/a'],
  ['https://idp.test/a/?p=x/y', `https://idp.test/a${DOCUMENT}?p=x/y`, 'https://idp.test/a'],
  ['https://idp.test?p=x', `https://idp.test${DOCUMENT}?p=x`, 'https://idp.test'],
  ['https://idp.test/a?', `https://idp.test/a${DOCUMENT}`, 'https://idp.test/a'],
  [
    'https://idp.test/a?next=/.well-known/x',
    `https://idp.test/a${DOCUMENT}?next=/.well-known/x`,
    'https://idp.test/a',
  ],
  // Hosts and ports.
  ['https://idp.test:8443/a', `https://idp.test:8443/a${DOCUMENT}`, 'https://idp.test:8443/a'],
  ['https://idp.test:443/a', `https://idp.test/a${DOCUMENT}`, 'https://idp.test/a'],
  ['https://idp.test:443/a', `https://idp.test/a${DOCUMENT}`, 'https://idp.test:443/a'],
  ['https://IDP.Test/a', `https://idp.test/a${DOCUMENT}`, 'https://idp.test/a'],
  ['https://IDP.Test/a', `https://idp.test/a${DOCUMENT}`, 'https://IDP.Test/a'],
  ['http://[::1]:8080', `http://[::1]:8080${DOCUMENT}`, 'http://[::1]:8080'],
  ['https://idp.test/A/B', `https://idp.test/A/B${DOCUMENT}`, 'https://idp.test/A/B'],
];

const mistakes: readonly [written: string, mend: RegExp][] = [
  [`https://idp.test${DOCUMENT}#top`, /fragment.*Leave out "#"/],
  ['https://idp.test/a#', /fragment.*Leave out "#"/],
  ['https://idp.test/openid-configuration', /"\/\.well-known\/openid-configuration".*Put/],
  ['https://idp.test/a/openid-configuration/', /"\/\.well-known\/openid-configuration".*Put/],
  [
    'https://idp.test/oauth-authorization-server?x=y',
    /"\/\.well-known\/oauth-authorization-server".*Put/,
  ],
];

describe('the option "discoveryUrl"', () => {
  it.each(spellings)('%s asks for %s, and means the issuer %s', (discoveryUrl, asked, issuer) => {
    const resolved = resolveWith({ discoveryUrl });

    expect(resolved.discoveryUrl).toBe(asked);
    expect(resolved.expectedIssuers).toContain(issuer);
    expect(resolved.expectedIssuers).toContain(`${issuer}/`);
  });

  it.each(spellings)('%s means one issuer in as few spellings as possible', (discoveryUrl) => {
    const { expectedIssuers } = resolveWith({ discoveryUrl });

    const bare = expectedIssuers.map((one) => new URL(one).href.replace(/\/$/, ''));
    expect(new Set(bare).size).toBe(1);
    expect(expectedIssuers.join()).not.toMatch(/[?#]|well-known|[^:/]\/\/|\/\/,|\/\/$/i);
  });

  it.each(mistakes)('%s stops start-up', (discoveryUrl, mend) => {
    const message = startUpMessage(() => resolveWith({ discoveryUrl }));

    expect(message).toMatch(mend);
    expect(message).toContain(`"discoveryUrl"`);
    expect(message).toContain(discoveryUrl);
  });

  it.each([
    ['of the document', DOCUMENT],
    ['of the document with a slash', `${DOCUMENT}/`],
    ['of the document with a query', `${DOCUMENT}?p=policy`],
    ['of the issuer', ''],
    ['of the issuer with a slash', '/'],
    ['of the issuer with a query', '?p=policy'],
  ])('JW-5: leads to a real provider by the address %s', async (_kind, suffix) => {
    const { clock, provider } = await startVerifier({ provider: { path: '/realms/demo' } });
    const verifier = buildVerifier({ discoveryUrl: `${provider.issuer}${suffix}` }, { clock });

    expect(await verifier.outcome(provider.accessToken())).toBe('accepted');
    const [asked] = provider.requestsTo('discovery');
    expect(asked?.query).toEqual(suffix.includes('?') ? { p: 'policy' } : {});
  });

  it('JW-5: with "issuer" beside it is an address alone', () => {
    const resolved = resolveWith({
      discoveryUrl: 'https://inner.test:8080/a',
      issuer: 'https://idp.test/',
    });

    expect(resolved.discoveryUrl).toBe(`https://inner.test:8080/a${DOCUMENT}`);
    expect(resolved.expectedIssuers).toEqual(['https://idp.test/']);
  });
});
