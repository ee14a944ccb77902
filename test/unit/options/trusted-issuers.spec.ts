import { describe, expect, it } from 'vitest';

import {
  type ResolvedTrustedIssuer,
  resolveTrustedIssuers,
} from '../../../lib/options/trusted-issuer.js';
import { resolveWith, startUpMessage } from './config-error.js';

const OWN = 'https://app.example.org';
const PEER = 'https://peer.example.org';

const settings = { ownIssuer: OWN, allowInsecureHttp: false };

/** Resolves a list of any shape, as a host written in JavaScript may give it. */
function resolveList(list: unknown, changes: object = {}): readonly ResolvedTrustedIssuer[] {
  return Reflect.apply(resolveTrustedIssuers, undefined, [list, { ...settings, ...changes }]);
}

const bare = { jwksUri: undefined, claims: undefined, roles: undefined, scopes: undefined };

const noIssuers: [value: unknown][] = [
  ['http://peer.example.org'],
  ['http://127.0.0.1.nip.io'],
  ['http://10.0.0.1'],
  ['peer.example.org'],
  ['//peer.example.org'],
  ['py-oidc-auth'],
  [''],
  [' https://peer.example.org'],
  ['https://peer.example.org '],
  ['https://peer.example.org\n'],
  ['HTTPS://peer.example.org'],
  ['https://PEER.example.org'],
  ['https://peer.example.org:443'],
  ['https://peer.example.org/a/../b'],
  ['https://peer.example.org\\a'],
  ['https://peer.example.org?x=1'],
  ['https://peer.example.org/#x'],
  ['https://user@peer.example.org'],
  ['https://user:canary-password@peer.example.org'],
  ['https://p\u00e9er.example.org'],
  ['ftp://peer.example.org'],
  ['file:///etc/passwd'],
  ['data:application/json,{}'],
  ['javascript:alert(1)'],
  [null],
  [undefined],
  [7],
  [true],
  [[PEER]],
  [{}],
  [{ issuer: [PEER] }],
  [{ issuer: null }],
];

const badMembers: [member: string, value: unknown][] = [
  ['jwksUri', 'http://peer.example.org/jwks'],
  ['jwksUri', '/jwks'],
  ['jwksUri', 'file:///jwks'],
  ['jwksUri', 'https://user:pass@peer.example.org/jwks'],
  ['jwksUri', null],
  ['jwksUri', ['https://peer.example.org/jwks']],
  ['roles', 'staff'],
  ['roles', ['']],
  ['roles', [1]],
  ['roles', null],
  ['roles', { staff: true }],
  ['scopes', ['two words']],
  ['scopes', 'quo"te'],
  ['scopes', [1]],
  ['scopes', null],
  ['scopes', true],
  ['claims', {}],
  ['claims', []],
  ['claims', null],
  ['claims', ''],
  ['claims', { role: [] }],
];

describe('the start-up table of "broker.trustedIssuers"', () => {
  it.each(noIssuers)('FD-4: refuses %j as an issuer, and says what to list', (value) => {
    const message = startUpMessage(() => resolveList([PEER, value]));

    expect(message).toMatch(/^Option "broker\.trustedIssuers" holds [^]* no usable issuer\. List /);
  });

  it.each(badMembers)('FD-4: refuses the member %s: %j of an entry', (member, value) => {
    const message = startUpMessage(() => resolveList([{ issuer: PEER, [member]: value }]));

    expect(message).toMatch(/^Option "broker\.trustedIssuers/);
    expect(message).toContain(member);
  });

  it.each(['jwks_uri', 'role', 'audience', 'algorithms', 'constructor'])(
    'FD-4: refuses the unknown member %s',
    (member) => {
      const message = startUpMessage(() => resolveList([{ issuer: PEER, [member]: 'x' }]));

      expect(message).toContain(`unknown member "${member}"`);
      expect(message).toContain('issuer, jwksUri, claims, roles, scopes');
    },
  );

  it.each([
    ['jwks_uri', 'jwksUri'],
    ['role', 'roles'],
    ['scope', 'scopes'],
    ['isuer', 'issuer'],
  ])('FD-4: refuses the member %s and asks whether %s was meant', (member, meant) => {
    const message = startUpMessage(() => resolveList([{ issuer: PEER, [member]: 'x' }]));

    expect(message).toContain(`unknown member "${member}"; did you mean "${meant}"? Known: `);
  });

  it.each([
    [[PEER, PEER]],
    [[PEER, { issuer: PEER }]],
    [[{ issuer: PEER, roles: ['a'] }, 'https://other.example.org', { issuer: PEER }]],
    [[OWN, OWN]],
  ])('FD-4: refuses an issuer that is listed twice: %j', (list) => {
    expect(startUpMessage(() => resolveList(list))).toContain('twice');
  });

  it.each([undefined, null, 'https://peer.example.org', {}, 7, new Set([PEER])])(
    'FD-4: refuses %j in the place of a list',
    (list) => {
      expect(startUpMessage(() => resolveList(list))).toContain('gave no list');
    },
  );

  it('FD-4: takes issuers as exact strings, with and without a path or a slash in the end', () => {
    const list = [PEER, `${PEER}/`, `${PEER}/a`, 'https://peer.example.org:8443/a/'];

    expect(resolveList(list).map(({ issuer }) => issuer)).toEqual(list);
  });

  it.each(['http://localhost:8000', 'http://127.0.0.1:8000/a', 'http://[::1]:8000'])(
    'FD-4: takes http on loopback: %s',
    (issuer) => {
      expect(resolveList([issuer])).toEqual([{ issuer, ...bare }]);
    },
  );

  it('FD-4: takes http elsewhere where the host allows it', () => {
    const entry = { issuer: 'http://peer:8000', jwksUri: 'http://peer:8000/jwks' };

    expect(resolveList([entry], { allowInsecureHttp: true })).toMatchObject([entry]);
  });

  it('FD-4: leaves our own issuer out, and no other spelling of it', () => {
    const list = [OWN, { issuer: PEER }, `${OWN}/`];

    expect(resolveList(list).map(({ issuer }) => issuer)).toEqual([PEER, `${OWN}/`]);
  });

  it('FD-4: reads every member of an entry', () => {
    const [entry] = resolveList([
      {
        issuer: PEER,
        jwksUri: `${PEER}/keys?v=1`,
        claims: { department: 'it' },
        roles: ['staff'],
        scopes: 'read  write',
      },
    ]);

    expect(entry).toEqual({
      issuer: PEER,
      jwksUri: `${PEER}/keys?v=1`,
      claims: [{ path: 'department', values: ['it'] }],
      roles: ['staff'],
      scopes: ['read', 'write'],
    });
  });

  it('FD-4: keeps no reference to the lists of the host', () => {
    const given = { issuer: PEER, roles: ['staff'], scopes: ['read'] };
    const [entry] = resolveList([given]);

    given.roles.push('admins');
    given.scopes.push('admin');

    expect(entry).toMatchObject({ roles: ['staff'], scopes: ['read'] });
  });
});

describe('broker mode with trusted issuers', () => {
  const broker = { audience: 'fleet-api', store: 'memory://' };

  it('FD-4: stops the start for a list with a mistake, and lets a function be', () => {
    const trustedIssuers = ['http://peer.example.org'];

    expect(startUpMessage(() => resolveWith({ broker: { ...broker, trustedIssuers } }))).toContain(
      '"http://peer.example.org"',
    );
    const late = resolveWith({ broker: { ...broker, trustedIssuers: () => trustedIssuers } });
    expect(late.broker?.trustedIssuers).toBeTypeOf('function');
  });

  it.each<[string, object]>([
    ['publicUrl', { publicUrl: undefined, broker }],
    ['broker.audience', { broker: { ...broker, audience: undefined } }],
    ['broker.audience', { broker: { ...broker, audience: '' } }],
    ['broker.audience', { broker: { ...broker, audience: ['fleet-api'] } }],
    ['broker.issuer', { broker: { ...broker, issuer: 'http://app.example.org' } }],
    ['broker.trustedIssuers', { broker: { ...broker, trustedIssuers: PEER } }],
    ['broker.jwksPath', { broker: { ...broker, jwksPath: 'https://peer.example.org/jwks' } }],
    ['broker.jwksPath', { broker: { ...broker, jwksPath: '//evil.example.org/jwks' } }],
    ['broker.jwksPath', { broker: { ...broker, jwksPath: '@evil.example.org/jwks' } }],
  ])('FD-4: stops the start for an unusable "%s"', (option, changes) => {
    expect(startUpMessage(() => resolveWith(changes))).toContain(`"${option}"`);
  });

  it('FD-4: takes a change of the list by the host for none', () => {
    const trustedIssuers = [{ issuer: PEER, roles: ['staff'] }];
    const { broker: resolved } = resolveWith({ broker: { ...broker, trustedIssuers } });

    trustedIssuers[0]?.roles.push('admins');

    expect(resolved?.trustedIssuers).toEqual([{ issuer: PEER, roles: ['staff'] }]);
  });
});
