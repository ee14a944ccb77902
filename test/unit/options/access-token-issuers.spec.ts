import { describe, expect, it } from 'vitest';

import { resolveWith, startUpMessage } from './config-error.js';

const OWN = 'https://app.example.org';
const PEER = 'https://peer.example.org';
const FURTHER = 'http://adfs.example.org/adfs/services/trust';

const withBroker = (accessTokenIssuers: unknown, broker: object = {}) => ({
  accessTokenIssuers,
  broker: { audience: 'myapp-api', ...broker },
});

describe('the option "accessTokenIssuers"', () => {
  it.each<[whose: string, options: object, named: string]>([
    ['our own, the public address', withBroker([FURTHER, OWN]), OWN],
    [
      'our own by "broker.issuer"',
      withBroker(['https://a.test'], { issuer: 'https://a.test' }),
      'https://a.test',
    ],
    ['a trusted issuer', withBroker([PEER], { trustedIssuers: [PEER] }), PEER],
    [
      'a trusted issuer with members',
      withBroker([PEER], { trustedIssuers: ['https://b.test', { issuer: PEER, roles: [] }] }),
      PEER,
    ],
  ])('FD-1: stops start-up when it holds %s', (_whose, options, named) => {
    const message = startUpMessage(() => resolveWith(options));

    expect(message).toContain('"accessTokenIssuers"');
    expect(message).toContain(`"${named}"`);
    expect(message).toMatch(/List there only/);
  });

  it.each<[kind: string, options: object]>([
    ['another name', withBroker([FURTHER], { trustedIssuers: [PEER] })],
    ['our address, in passthrough mode', { accessTokenIssuers: [OWN] }],
    ['trusted issuers that nobody knows yet', withBroker([PEER], { trustedIssuers: () => [PEER] })],
    ['our name in another spelling', withBroker([`${OWN}/`])],
    ['nothing', withBroker([])],
  ])('starts with %s', (_kind, options) => {
    expect(() => resolveWith(options)).not.toThrow();
  });

  it('is left open for the metadata to say', () => {
    expect(resolveWith({}).accessTokenIssuers).toBeUndefined();
    expect(resolveWith({ accessTokenIssuers: [FURTHER] }).accessTokenIssuers).toEqual([FURTHER]);
  });
});
