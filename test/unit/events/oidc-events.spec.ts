import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import {
  OidcEvents,
  hashedId,
  type OidcEventMap,
  type OidcEventName,
} from '../../../lib/events/oidc-events.js';
import { FakeClock } from '../../support/fake-clock.js';
import { withoutLink } from '../../support/page-links.js';

const provider = 'default';

/** One event of each kind. */
const samples: { [Name in keyof OidcEventMap]: OidcEventMap[Name] } = {
  login: { provider, grant: 'authorization_code', subject: hashedId('sub') },
  refresh: { provider },
  logout: { provider },
  revoke: { provider, token: hashedId('token') },
  'issuer-refused': { provider, issuer: 'https://evil.example' },
  'token-refused': { provider, reason: 'exp' },
  'claim-mistyped': { provider, source: 'ID token', claim: 'email', came: 'list' },
  'keys-changed': { provider, added: ['new'], removed: ['old'] },
  'stale-keys-served': { provider, ageSec: 3600 },
  'providers-failed': { provider, reason: 'Error' },
  'provider-dropped': { provider, reason: 'Option' },
  'client-rejected': { provider, error: 'invalid_client' },
  'provider-failed': { provider, reason: 'OAuthError status 503' },
  'issuer-claimed-twice': { provider, issuer: 'https://peer.example.org' },
  'grant-refused': { provider, grant: 'refresh_token' },
  'subject-mismatch': { provider, subject: hashedId('sub') },
  'id-token-mismatch': { provider, subject: hashedId('sub'), reason: 'iss of the ID token' },
  'logout-token-refused': { provider, reason: 'aud of the logout token' },
  'refresh-token-reused': { provider, session: hashedId('session') },
  'session-ended': { provider, session: hashedId('session'), reason: 'logout' },
  'claims-not-renewed': { provider, session: hashedId('session'), reason: 'Error' },
  'renewal-lost': { provider, session: hashedId('session'), reason: 'Error' },
  'signing-key': { provider, kid: 'kid', change: 'created' },
  'clocks-differ': { provider, aheadSec: 7 },
  'store-failed': { provider, reason: 'Error ECONNREFUSED' },
  undecryptable: { provider, what: 'session' },
  'peer-keys-changed': { provider, issuer: 'https://b.example', added: ['new'], removed: [] },
  'stale-peer-keys-served': { provider, issuer: 'https://b.example', ageSec: 3600 },
  'peer-failed': { provider, issuer: 'https://b.example', reason: 'Error' },
  'trusted-issuers-failed': { provider, reason: 'Error' },
};

const levels = ['error', 'warn', 'log', 'debug', 'verbose', 'fatal'] as const;

/** Which events are logged, and at which level. */
const logged: [name: keyof OidcEventMap, level: (typeof levels)[number] | undefined][] = [
  ['login', undefined],
  ['refresh', undefined],
  ['logout', undefined],
  ['revoke', 'log'],
  ['issuer-refused', undefined], // the line of the refused request tells it
  ['token-refused', undefined],
  ['claim-mistyped', 'warn'],
  ['keys-changed', 'warn'],
  ['stale-keys-served', 'warn'],
  ['client-rejected', 'error'],
  ['provider-failed', 'warn'],
  ['issuer-claimed-twice', 'error'],
  ['grant-refused', 'error'],
  ['subject-mismatch', 'error'],
  ['id-token-mismatch', 'error'],
  ['logout-token-refused', 'warn'],
  ['refresh-token-reused', 'error'],
  ['session-ended', undefined],
  ['claims-not-renewed', 'warn'],
  ['renewal-lost', 'error'],
  ['signing-key', 'log'],
  ['store-failed', 'error'],
  ['clocks-differ', 'error'],
  ['undecryptable', 'error'],
  ['peer-keys-changed', 'warn'],
  ['stale-peer-keys-served', 'warn'],
  ['peer-failed', 'warn'],
  ['trusted-issuers-failed', 'error'],
];

describe('OidcEvents', () => {
  let clock: FakeClock;
  let events: OidcEvents;
  let lines: [level: string, text: string][];
  let stacks: unknown[];

  beforeEach(() => {
    clock = new FakeClock();
    events = new OidcEvents(clock);
    lines = [];
    stacks = [];
    for (const level of levels) {
      vi.spyOn(Logger.prototype, level).mockImplementation((text: unknown, stack?: unknown) => {
        lines.push([level, String(text)]);
        if (stack !== undefined) stacks.push(stack);
      });
    }
  });

  afterEach(() => {
    vi.restoreAllMocks();
  });

  it.each(logged)('LG-3: hands %s to its listeners and logs it as %s', (name, level) => {
    const seen: unknown[] = [];
    events.on(name, (event) => seen.push(event));

    events.emit(name, samples[name]);

    expect(seen).toEqual([samples[name]]);
    expect(lines.map(([at]) => at)).toEqual(level === undefined ? [] : [level]);
    for (const [, text] of lines) {
      expect(text).toMatch(new RegExp(`^${name} \\{"provider":"default"`));
      expect(text).toContain(` (nestjs-oidc-auth/docs/operations.md#event-${name})`);
      expect(() => withoutLink(text)).not.toThrow();
    }
  });

  it('LG-3: logs one line a minute of each reason and tells how many it left out', () => {
    for (let at = 0; at < 1000; at += 1) events.emit('provider-failed', samples['provider-failed']);
    events.emit('client-rejected', samples['client-rejected']);
    clock.advance(59);
    events.emit('provider-failed', samples['provider-failed']);
    expect(lines).toHaveLength(2);

    clock.advance(1);
    events.emit('provider-failed', samples['provider-failed']);
    events.emit('provider-failed', samples['provider-failed']);

    expect(lines).toHaveLength(3);
    expect(lines[2]?.[1]).toContain('1000 more since the last line');
  });

  it('LG-3: names each mistyped claim once, however many come and whatever comes between', () => {
    const told = samples['claim-mistyped'];
    for (let at = 0; at < 100; at += 1) {
      for (const claim of ['email', 'roles']) events.emit('claim-mistyped', { ...told, claim });
      events.emit('claim-mistyped', { ...told, source: 'userinfo' });
      clock.advance(61);
    }

    expect(lines.map(([, text]) => text.slice(0, 75))).toEqual([
      expect.stringContaining('"source":"ID token","claim":"email"'),
      expect.stringContaining('"source":"ID token","claim":"roles"'),
      expect.stringContaining('"source":"userinfo","claim":"email"'),
    ]);
  });

  it.each<[name: OidcEventName, many: object, other: object]>([
    ['provider-failed', { reason: 'status 503' }, { reason: 'status 502' }],
    ['client-rejected', { error: 'invalid_client' }, { error: 'unauthorized_client' }],
    ['peer-failed', { issuer: 'https://a.example' }, { issuer: 'https://b.example' }],
    ['undecryptable', { what: 'session' }, { what: 'signing-key' }],
    ['signing-key', { change: 'created' }, { change: 'retired' }],
    ['store-failed', { reason: 'ECONNREFUSED' }, { reason: 'timed out' }],
    ['claims-not-renewed', { reason: 'Error' }, { reason: 'TypeError' }],
  ])('LG-3: a %s that happens often hides no other one', (name, many, other) => {
    for (let at = 0; at < 100; at += 1) events.emit(name, { ...samples[name], ...many });

    events.emit(name, { ...samples[name], ...other });

    expect(lines).toHaveLength(2);
    expect(lines[1]?.[1]).toContain(Object.values(other).join());
  });

  it('LG-3: keeps no more reasons than a thousand', () => {
    const peers = Array.from({ length: 1001 }, (_, at) => `https://${at}.example`);
    const [oldest = '', newest = ''] = [peers[0], peers.at(-1)];
    for (const issuer of peers) events.emit('peer-failed', { ...samples['peer-failed'], issuer });

    events.emit('peer-failed', { ...samples['peer-failed'], issuer: newest });
    expect(lines).toHaveLength(1001);
    events.emit('peer-failed', { ...samples['peer-failed'], issuer: oldest });

    expect(lines).toHaveLength(1002);
  });

  it('LG-3: hands every event to the listeners, whatever is logged', () => {
    let seen = 0;
    events.on('issuer-refused', () => (seen += 1));

    for (let at = 0; at < 1000; at += 1) events.emit('issuer-refused', samples['issuer-refused']);

    expect(seen).toBe(1000);
  });

  it('LG-3: goes on logging after the clock was set back', () => {
    events.emit('revoke', samples.revoke);
    clock.advance(61);
    clock.set(new Date(0));

    events.emit('revoke', samples.revoke);

    expect(lines).toHaveLength(2);
  });

  /** What a listener of the host's may throw. */
  const mishaps: [how: string, listener: () => unknown][] = [
    [
      'throws',
      () => {
        throw new RangeError('the reason of the host');
      },
    ],
    ['rejects', () => Promise.reject(new RangeError('the reason of the host'))],
  ];

  it.each(mishaps)(
    'LG-3: is not disturbed by a listener that %s, and logs its exception whole',
    async (_, listener) => {
      const seen: string[] = [];
      events.on('login', listener);
      events.on('login', () => seen.push('second'));

      events.emit('login', samples.login);
      await new Promise((resolve) => setImmediate(resolve)); // an unhandled rejection would be noted by now

      expect(seen).toEqual(['second']);
      expect(lines.map(([level, text]) => [level, withoutLink(text)])).toEqual([
        ['error', 'A listener of the event "login" threw RangeError: the reason of the host'],
      ]);
      expect(stacks).toEqual([expect.stringMatching(/^RangeError: the reason.*\n +at /)]);
    },
  );

  it('LG-3: is not disturbed by a logger of the host that throws', async () => {
    const warnings: string[] = [];
    const note = (warning: Error): number => warnings.push(warning.message);
    process.on('warning', note);
    for (const level of levels) {
      vi.spyOn(Logger.prototype, level).mockImplementation(() => {
        throw new RangeError('the logger of the host');
      });
    }

    events.emit('client-rejected', samples['client-rejected']);
    events.emit('provider-failed', samples['provider-failed']);
    await new Promise((resolve) => setImmediate(resolve));

    process.off('warning', note);
    expect(warnings).toEqual(['the logger of the host']);
  });

  it('LG-3: has listeners that end', () => {
    let seen = 0;
    const end = events.on('refresh', () => (seen += 1));

    events.emit('refresh', samples.refresh);
    end();
    events.emit('refresh', samples.refresh);

    expect(seen).toBe(1);
  });

  it('LG-3: takes more than ten listeners without a warning', async () => {
    const warnings: string[] = [];
    const note = (warning: Error): number => warnings.push(warning.name);
    process.on('warning', note);

    for (let at = 0; at < 50; at += 1) events.on('login', () => undefined);
    await new Promise((resolve) => setImmediate(resolve));

    process.off('warning', note);
    expect(warnings).toEqual([]);
  });

  it('LG-3: hashes ids to 16 hexadecimal digits', () => {
    expect(hashedId('sub-0001-alice')).toMatch(/^[0-9a-f]{16}$/);
    expect(hashedId('sub-0001-alice')).not.toBe(hashedId('sub-0002-bob'));
    expect(hashedId('sub-0001-alice')).toBe(hashedId('sub-0001-alice'));
  });

  it.each([
    ['U+2028', 'x\u2028forged'],
    ['an ANSI sequence of 8 bits', 'x\u009b2Kforged'],
    ['CR and LF', 'x\r\nforged'],
    ['DEL', 'x\u007fforged'],
  ])('LG-2: escapes %s in the key ids of a key set', (_name, kid) => {
    events.emit('keys-changed', { provider, added: [kid], removed: [kid] });

    // oxlint-disable-next-line no-control-regex -- these are what is looked for
    expect(lines[0]?.[1]).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
    expect(lines[0]?.[1]).toContain('forged');
  });

  it('LG-2: cuts the key ids of a key set', () => {
    events.emit('keys-changed', { provider, added: ['k'.repeat(100_000)], removed: [] });

    expect(lines[0]?.[1].length).toBeLessThan(1000);
  });
});
