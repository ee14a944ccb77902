import { describe, expect, it } from 'vitest';

import { capturedLogs } from '../../support/output-capture.js';
import { buildVerifier, startVerifier } from '../../support/verifier.js';

const TENANT = '11111111-2222-3333-4444-555555555555';
const OTHER_TENANT = '66666666-7777-8888-9999-000000000000';

/** A verifier whose provider publishes this issuer, made from its real one. */
async function startPublishing(
  published: (issuer: string) => unknown,
  options: (issuer: string) => object = () => ({}),
) {
  const { clock, provider } = await startVerifier({ provider: { path: '/realms/demo' } });
  const { issuer } = provider;
  provider.behaviour.metadata = (document) => ({ ...document, issuer: published(issuer) });
  const verifier = buildVerifier(provider, { clock, options: options(issuer) });
  const outcome = (iss: string): Promise<string> => verifier.outcome(provider.accessToken({ iss }));
  return { clock, provider, issuer, verifier, outcome };
}

describe('the issuer of the discovery document', () => {
  it.each<[string, (issuer: string) => unknown]>([
    ['another one', () => 'https://evil.example'],
    ['a longer one', (issuer) => `${issuer}.evil.example`],
    ['a shorter one', (issuer) => issuer.replace('/realms/demo', '/realms')],
    ['one with two trailing slashes', (issuer) => `${issuer}//`],
    ['one in upper case', (issuer) => issuer.toUpperCase()],
    ['one with another scheme', (issuer) => issuer.replace('http:', 'https:')],
    ['one with a query', (issuer) => `${issuer}?x`],
    ['one with a space', (issuer) => `${issuer} `],
    ['one for any tenant', (issuer) => issuer.replace('demo', '{tenantid}')],
  ])(
    'JW-5: does not use a document with %s, answers 503 and logs an error',
    async (_kind, published) => {
      const { provider, issuer, outcome } = await startPublishing(published);
      const linesBefore = capturedLogs().length;

      expect(await outcome(issuer)).toBe('503 temporarily_unavailable');

      const log = capturedLogs().slice(linesBefore).join('\n');
      expect(log).toMatch(/ERROR.*issuer/);
      expect(log).toContain(issuer);
      expect(provider.requestsTo('jwks')).toEqual([]);
    },
  );

  it.each<[string, unknown]>([
    ['no issuer', undefined],
    ['an empty issuer', ''],
    ['a list', ['http://127.0.0.1']],
    ['a number', 1],
  ])('JW-5: does not use a document with %s', async (_kind, published) => {
    const { issuer, outcome } = await startPublishing(() => published);

    expect(await outcome(issuer)).toMatch(/^50[23] /);
  });

  it('JW-5: takes a published issuer with a trailing slash, and then compares that string alone', async () => {
    const { issuer, outcome } = await startPublishing((own) => `${own}/`);

    expect(await outcome(`${issuer}/`)).toBe('accepted');
    expect(await outcome(issuer)).toBe('401 invalid_token');
  });

  it('JW-5: takes a published issuer without one where the discovery URL is written from the issuer with one', async () => {
    const { provider } = await startVerifier({ provider: { path: '/realms/demo' } });
    const discoveryUrl = `${provider.issuer}/`;
    const verifier = buildVerifier({ discoveryUrl });

    expect(await verifier.outcome(provider.accessToken())).toBe('accepted');
    expect(await verifier.outcome(provider.accessToken({ iss: discoveryUrl }))).toBe(
      '401 invalid_token',
    );
  });

  it('JW-5: demands the option "issuer" exactly, slash included', async () => {
    const exact = await startPublishing(
      (issuer) => issuer,
      (issuer) => ({ issuer }),
    );
    const slashWanted = await startPublishing(
      (issuer) => issuer,
      (issuer) => ({ issuer: `${issuer}/` }),
    );
    const slashSent = await startPublishing(
      (issuer) => `${issuer}/`,
      (issuer) => ({ issuer }),
    );

    expect(await exact.outcome(exact.issuer)).toBe('accepted');
    for (const { issuer, outcome } of [slashWanted, slashSent]) {
      expect(await outcome(issuer)).not.toBe('accepted');
      expect(await outcome(`${issuer}/`)).not.toBe('accepted');
    }
  });

  it.each<[string, (issuer: string) => string]>([
    ['with a slash too many', (issuer) => `${issuer}/`],
    ['of another realm', (issuer) => issuer.replace('demo', 'other')],
    ['with another scheme', (issuer) => issuer.replace('http:', 'https:')],
  ])('JW-5: says both values where the option "issuer" is set, %s', async (_how, written) => {
    const { issuer, outcome } = await startPublishing(
      (own) => own,
      (own) => ({ issuer: written(own) }),
    );
    const linesBefore = capturedLogs().length;

    await outcome(written(issuer));

    const log = capturedLogs().slice(linesBefore).join('\n');
    expect(log).toContain(`names the issuer "${issuer}", expected "${written(issuer)}"`);
    expect(log).toContain('the option "issuer" says the second');
  });

  it('JW-5: uses the option "issuer" where discovery is published elsewhere', async () => {
    const elsewhere = 'https://login.example.org/tenant';
    const { issuer, outcome } = await startPublishing(
      () => elsewhere,
      () => ({ issuer: elsewhere }),
    );

    expect(await outcome(elsewhere)).toBe('accepted');
    expect(await outcome(issuer)).toBe('401 invalid_token');
  });
});

const anyTenant = (issuer: string): string => issuer.replace('demo', '{tenantid}');

describe('an issuer that holds {tenantid}', () => {
  it('JW-5: is expanded to the listed tenants, and to no other', async () => {
    const { issuer, outcome } = await startPublishing(anyTenant, () => ({
      tenants: [TENANT, OTHER_TENANT],
    }));
    const of = (tenant: string): string => issuer.replace('demo', tenant);

    expect(await outcome(of(TENANT))).toBe('accepted');
    expect(await outcome(of(OTHER_TENANT))).toBe('accepted');
    for (const tenant of [
      'demo',
      '{tenantid}',
      '',
      TENANT.slice(1),
      `${TENANT}/x`,
      '%7Btenantid%7D',
    ]) {
      expect(await outcome(of(tenant))).toBe('401 invalid_token');
    }
  });

  it('JW-5: is not used when the option "issuer" is another string', async () => {
    const { issuer, outcome } = await startPublishing(anyTenant, () => ({
      tenants: [TENANT],
      issuer: 'https://login.example.org',
    }));

    expect(await outcome(issuer.replace('demo', TENANT))).not.toBe('accepted');
  });

  it('JW-5: leaves a document without the placeholder as it is', async () => {
    const { issuer, outcome } = await startPublishing(
      (own) => own,
      () => ({ tenants: [TENANT] }),
    );

    expect(await outcome(issuer)).toBe('accepted');
    expect(await outcome(issuer.replace('demo', TENANT))).toBe('401 invalid_token');
  });
});
