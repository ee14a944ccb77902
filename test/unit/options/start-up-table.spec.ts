import { ApplicationGroup } from '../../../lib/options/oidc-auth-options.js';
import { ProviderGroup } from '../../../lib/options/provider-options.js';
import { describe, expect, it } from 'vitest';
import { namesOf } from '../../../lib/options/option-group.js';
import { badValues } from './bad-values.js';
import { goodOptions, resolve, resolveWith, startUpMessage } from './config-error.js';

const cases = Object.entries(badValues).flatMap(([option, values]) =>
  values.map(([value, shown]) => ({ option, value, shown })),
);

describe('the start-up table', () => {
  it('has a row for every option', () => {
    const known = [...new Set([ProviderGroup, ApplicationGroup].flatMap(namesOf))];

    expect([...Object.keys(badValues), 'claims'].toSorted()).toEqual(known.toSorted()); // claims: claim-constraint.spec.ts
  });

  it.each(cases)('refuses $option: $shown and says what to do', ({ option, value, shown }) => {
    const message = startUpMessage(() => resolveWith({ [option]: value }));

    expect(message).toMatch(new RegExp(`^Option "${option}" \\S.*; got .+\\.$`));
    expect(message).toContain(`; got ${shown.slice(0, 90)}`);
    expect(message).not.toContain('canary');
  });

  it.each([
    'clientID',
    'client_id',
    'clientSecrets',
    'scope',
    'brokers',
    'sessions',
    'constructor',
  ])(
    'refuses the unknown option %s by its name and lists the known ones, never its value',
    (option) => {
      const message = startUpMessage(() => resolveWith({ [option]: 'canary-value' }));

      expect(message).toMatch(
        new RegExp(`^Unknown option "${option}"(\\.|; .*\\?) Known here: clientId, `),
      );
      expect(message).toContain('jwksCooldownSec');
      expect(message).not.toContain('canary');
    },
  );

  it('refuses an unknown option called __proto__ and changes no prototype', () => {
    const given: unknown = JSON.parse('{"__proto__": {"clientId": "polluted"}}');

    const message = startUpMessage(() => resolve(given));

    expect(message).toContain('__proto__');
    expect(Object.prototype).not.toHaveProperty('clientId');
  });

  it.each([
    ['grants', 'refresh', 'yes', '"yes"'],
    ['grants', 'device', null, 'null'],
    ['grants', 'authorizationCode', 0, '0'],
    ['grants', 'exchange', 'no', '"no"'],
    ['endpoints', 'token', 'http://idp.example.org/token', '"http://idp.example.org/token"'],
    ['endpoints', 'authorization', '/authorize', '"/authorize"'],
    ['endpoints', 'userinfo', null, 'null'],
    ['endpoints', 'revocation', 'file:///etc/passwd', '"file:///etc/passwd"'],
    ['endpoints', 'endSession', 'javascript:alert(1)', '"javascript:alert(1)"'],
    ['endpoints', 'deviceAuthorization', '', '""'],
  ])('refuses %s.%s: %j and names the member', (option, member, value, shown) => {
    const message = startUpMessage(() => resolveWith({ [option]: { [member]: value } }));

    expect(message).toMatch(new RegExp(`^Option "${option}\\.${member}" must be .*; got `));
    expect(message).toContain(`got ${shown}.`);
  });

  it.each([
    ['grants', 'exchanges'],
    ['grants', 'authorization_code'],
    ['broker', 'audiences'],
    ['broker', 'allowInsecureHttp'],
    ['endpoints', 'jwks'],
    ['endpoints', 'allowInsecureHttp'],
    ['endpoints', '__proto__'],
  ])('refuses the unknown member %s.%s', (option, member) => {
    const members: unknown = JSON.parse(`{"${member}": true}`);

    const message = startUpMessage(() => resolveWith({ [option]: members }));

    expect(message).toMatch(
      new RegExp(`^Unknown option "${option}\\.${member}"(\\.|; .*\\?) Known here: `),
    );
  });

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['string', 'my-client'],
    ['function', () => goodOptions],
    ['object', [goodOptions]],
  ])('refuses %s in the place of the options and points at the factory', (shown, given) => {
    const message = startUpMessage(() => resolve(given));

    expect(message).toContain(`got ${shown}`);
    expect(message).toContain('forRootAsync');
  });

  it('cuts a long value', () => {
    const message = startUpMessage(() => resolveWith({ tokenAlgorithms: ['x'.repeat(10_000)] }));

    expect(message.length).toBeLessThan(400);
  });

  it('shows no credentials that a URL brings along', () => {
    const url = 'https://admin:canary-password@idp.example.org/realms/demo';

    const messages = [
      ...['discoveryUrl', 'publicUrl', 'issuer', 'jwksUri'].map((option) => ({ [option]: url })),
      { endpoints: { token: url } },
      { allowedRedirectUris: [url] },
      { allowedPostLogoutRedirectUris: [url] },
    ].map((changes) => startUpMessage(() => resolveWith(changes)));

    for (const message of messages) {
      expect(message).toMatch(/^Option "/);
      expect(message).not.toContain('canary-password');
    }
  });

  it('names the option for a value that cannot be written as JSON', () => {
    const circular: unknown[] = [];
    circular.push(circular);

    for (const value of [circular, 1n, Symbol('s'), [1n]]) {
      expect(startUpMessage(() => resolveWith({ audience: value }))).toContain(
        'Option "audience" must be',
      );
    }
  });
});
