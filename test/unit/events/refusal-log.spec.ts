import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { Clock } from '../../../lib/clock/clock.js';
import {
  OAuthError,
  badUpstreamAnswer,
  invalidGrant,
  invalidToken,
  unavailable,
} from '../../../lib/errors/oauth.error.js';
import { Reason } from '../../../lib/errors/reason.js';
import { RefusalLog, type Outcome } from '../../../lib/events/refusal-log.js';
import { FakeClock } from '../../support/fake-clock.js';
import { withoutLink } from '../../support/page-links.js';

const levels = ['error', 'warn', 'log', 'debug', 'verbose', 'fatal'] as const;

const aud = (came: unknown): OAuthError =>
  invalidToken(new Reason('aud', { expected: 'my-aud', came, option: '"audience"' }));

function lacking(role: string): OAuthError {
  const cause = new Reason('roles', { missing: [role] });
  return new OAuthError('insufficient_scope', 'No', { cause });
}

class BrokenClock extends FakeClock {
  override monotonicMs(): number {
    throw new RangeError('the clock of the host');
  }
}

describe('the log of refused requests', () => {
  let clock: FakeClock;
  let lines: [level: string, text: string][];

  beforeEach(() => {
    clock = new FakeClock();
    lines = [];
    for (const level of levels) {
      vi.spyOn(Logger.prototype, level).mockImplementation((text: unknown) => {
        lines.push([level, String(text)]);
      });
    }
  });

  afterEach(() => {
    vi.restoreAllMocks();
  });

  const opened = (given: Clock = clock): RefusalLog => new RefusalLog(given);

  it.each<[what: string, error: OAuthError, outcome: Outcome, level: string, why: string]>([
    ['a reason', aud('x'), 'refused', 'warn', 'aud: expected "my-aud", came "x"; see "audience"'],
    ['a word', invalidGrant('reused refresh token'), 'refused', 'warn', 'reused refresh token'],
    [
      'a text alone',
      new OAuthError('invalid_request', 'code is missing'),
      'refused',
      'warn',
      'code is missing',
    ],
    [
      'a library error',
      invalidToken(Object.assign(new Error('secret'), { code: 'ERR_JWS' })),
      'refused',
      'warn',
      'The access token is invalid or has expired: Error ERR_JWS',
    ],
    [
      'a refusal within another',
      new OAuthError('invalid_request', 'subject_token does not hold', { cause: aud('x') }),
      'refused',
      'warn',
      'subject_token does not hold: aud: expected "my-aud", came "x"; see "audience"',
    ],
    [
      'the same refusal within itself',
      new OAuthError('invalid_token', aud('x').description, { cause: aud('x') }),
      'refused',
      'warn',
      'aud: expected "my-aud", came "x"; see "audience"',
    ],
    [
      'a provider that does not answer',
      unavailable('timed out'),
      'refused',
      'warn',
      'The identity provider cannot be reached at the moment: timed out',
    ],
    [
      'nonsense of the provider',
      badUpstreamAnswer(new Reason('iss', { expected: 'a', came: 'b' })),
      'refused',
      'warn',
      'The identity provider gave an answer that cannot be used: iss: expected "a", came "b"',
    ],
    [
      'a fault',
      new OAuthError('server_error', 'The request failed', { status: 500 }),
      'refused',
      'error',
      'The request failed',
    ],
    [
      'a token at the guard',
      aud('x'),
      'refused by the guard',
      'warn',
      'aud: expected "my-aud", came "x"; see "audience"',
    ],
    [
      'a rule of the guard',
      new OAuthError('insufficient_scope', 'No', {
        cause: new Reason('roles', { missing: ['a'] }),
      }),
      'refused by the guard',
      'debug',
      'roles: missing "a"',
    ],
    [
      'no token',
      new OAuthError('invalid_token', 'A bearer token is required', { credentialsMissing: true }),
      'refused',
      'debug',
      'A bearer token is required',
    ],
    [
      'a device that is not ready',
      new OAuthError('authorization_pending', 'Not yet'),
      'refused',
      'debug',
      'Not yet',
    ],
  ])('LG-3: tells of %s', (_what, error, outcome, level, why) => {
    opened().report('POST /token', error, outcome);

    const code = `${error.getStatus()} ${error.error}`;
    const told = lines.map(([at, text]) => [at, withoutLink(text)]);
    expect(told).toEqual([[level, `POST /token refused (${code}): ${why}`]]);
  });

  const signature = Object.assign(new Error('secret'), { name: 'JWSSignatureVerificationFailed' });
  const demand = { anchor: 'reason-claim-is-not-there' } as const;

  it.each<[what: string, error: OAuthError, anchor: string]>([
    ['a reason', aud('x'), 'reason-aud'],
    ['a word', invalidGrant('reused refresh token'), 'reason-reused-refresh-token'],
    ['a reason with a value', invalidToken(new Reason('claim a.b', demand)), demand.anchor],
    [
      'a refusal within another',
      new OAuthError('invalid_request', 'subject_token does not hold', { cause: aud('x') }),
      'reason-aud',
    ],
    ['a library error', invalidToken(signature), 'reason-jwssignatureverificationfailed'],
    [
      'a text that is explained',
      unavailable('timed out'),
      'reason-the-identity-provider-cannot-be-reached-at-the-moment',
    ],
    ['a reason of nobody’s', invalidGrant(new Reason('the moon is full')), 'error-invalid_grant'],
    ['an unknown library error', invalidToken(new TypeError('x')), 'error-invalid_token'],
    ['a text alone', new OAuthError('access_denied', 'No account'), 'error-access_denied'],
  ])('ends with where to read on about %s', (_what, error, anchor) => {
    opened().report('A.b', error, 'refused');

    expect(lines[0]?.[1]).toContain(` (nestjs-oidc-auth/docs/troubleshooting.md#${anchor})`);
    expect(() => withoutLink(lines[0]?.[1])).not.toThrow();
  });

  it('leads to the page where a host without types made up a code', () => {
    opened().report('A.b', Reflect.construct(OAuthError, ['teapot', 'Short and stout']), 'refused');

    expect(lines[0]?.[1]).toContain('Short and stout (nestjs-oidc-auth/docs/troubleshooting.md)');
  });

  it('names the page last and once, behind the number of lines left out', () => {
    const log = opened();
    log.report('A.b', aud('x'), 'refused');
    log.report('A.b', aud('x'), 'refused');
    clock.advance(60);
    log.report('A.b', aud('x'), 'refused');

    expect(withoutLink(lines[1]?.[1])).toMatch(/\(and 1 more since the last line\)$/);
  });

  it('LG-3: has one line a minute, whatever callers choose', () => {
    const log = opened();
    for (let at = 0; at < 1000; at += 1) {
      const chosen = { expected: `http://localhost:${at}/`, came: `x-${at}` };
      log.report('POST /token', invalidGrant(new Reason('redirect_uri', chosen)), 'refused');
    }
    clock.advance(60);
    log.report('POST /token', invalidGrant(new Reason('redirect_uri')), 'refused');

    expect(lines).toHaveLength(2);
    expect(lines[1]?.[1]).toContain('(and 999 more since the last line)');
  });

  it('LG-3: tells places, codes, reasons and missing names apart', () => {
    const log = opened();
    const refusals: [where: string, error: OAuthError, outcome: Outcome][] = [
      ['A.one', aud('x'), 'refused by the guard'],
      ['A.two', aud('x'), 'refused by the guard'],
      ['A.two', aud('x'), 'anonymous'],
      ['A.one', invalidToken(new Reason('exp')), 'refused by the guard'],
      ['A.one', invalidGrant(new Reason('aud')), 'refused by the guard'],
      ['A.one', lacking('a'), 'refused'],
      ['A.one', lacking('b'), 'refused'],
    ];

    for (let round = 0; round < 3; round += 1) {
      for (const refusal of refusals) log.report(...refusal);
    }

    expect(lines).toHaveLength(refusals.length);
  });

  it('DS-2: keeps no more kinds than a thousand', () => {
    const log = opened();
    const report = (at: number): void =>
      log.report('POST /token', new OAuthError('access_denied', `No account ${at}`), 'refused');
    for (let at = 0; at < 5000; at += 1) report(at);

    report(4999);
    expect(lines).toHaveLength(5000);
    report(0); // forgotten

    expect(lines).toHaveLength(5001);
  });

  it('LG-2: escapes what stands in the place and the text', () => {
    opened().report('A\u202e.b\n', new OAuthError('access_denied', 'x\u200by\r'), 'refused');

    expect(withoutLink(lines[0]?.[1])).toBe(
      String.raw`A\u202e.b\u000a refused (400 access_denied): x\u200by\u000d`,
    );
  });

  it('LG-2: is cut', () => {
    const many = Array.from({ length: 100 }, () => '\u202e'.repeat(1000));
    const cause = new Reason('x', { expected: many, came: many, missing: many });

    opened().report('A.b', new OAuthError('access_denied', 'x', { cause }), 'refused');

    expect(withoutLink(lines[0]?.[1]).length).toBe(1500);
  });

  it('LG-3: goes on without a clock, which may be the host’s', () => {
    const log = opened(new BrokenClock());

    log.report('A.one', aud('x'), 'refused');

    expect(lines).toHaveLength(1);
  });
});
