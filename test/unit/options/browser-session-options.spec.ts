import { describe, expect, it } from 'vitest';

import { BrowserSessionGroup } from '../../../lib/options/browser-session-options.js';
import { namesOf } from '../../../lib/options/option-group.js';
import { badSessionValues } from './bad-values.js';
import { resolveWith, startUpMessage } from './config-error.js';

const broker = { audience: 'myapp-api', store: 'memory://' };

const withSession = (session: unknown, more: object = {}, routes: object = {}) =>
  resolveWith({ broker, session, ...more }, routes).session;

const cases = Object.entries(badSessionValues).flatMap(([option, values]) =>
  values.map(([value, shown]) => ({ option, value, shown })),
);

describe('the start-up table of session', () => {
  it('has a row for every option', () => {
    const known = namesOf(BrowserSessionGroup);

    expect(Object.keys(badSessionValues).toSorted()).toEqual(known.toSorted());
  });

  it.each(cases)(
    'refuses session.$option: $shown and says what to do',
    ({ option, value, shown }) => {
      const message = startUpMessage(() => withSession({ [option]: value }));

      expect(message).toMatch(new RegExp(`^Option "session\\.${option}" \\S.*; got .+\\.$`, 's'));
      expect(message).toContain(`; got ${shown.slice(0, 90)}`);
    },
  );

  it.each(['cookiename', 'maxAgeSec', 'sameSite', 'secure', 'domain', 'origin', '__proto__'])(
    'refuses the unknown member session.%s',
    (member) => {
      const members: unknown = JSON.parse(`{"${member}": true}`);

      expect(startUpMessage(() => withSession(members))).toMatch(
        new RegExp(
          `^Unknown option "session\\.${member}"(\\.|; .*\\?) Known here: session.cookieName, `,
        ),
      );
    },
  );

  it.each<[what: string, start: () => unknown, says: RegExp]>([
    [
      'no broker',
      () => withSession({}, { broker: undefined }),
      /"session".*without "broker".*Add "broker"/,
    ],
    [
      'no login route',
      () => withSession({}, {}, { login: false }),
      /"routes\.login" is false.*Leave it on/,
    ],
    [
      'no callback',
      () => withSession({}, {}, { callback: false }),
      /"routes\.callback" is false.*Leave it on/,
    ],
    [
      'no logout route',
      () => withSession({}, {}, { logout: false }),
      /"routes\.logout" is false.*Leave it on/,
    ],
    [
      'no codes',
      () => withSession({}, { grants: { authorizationCode: false } }),
      /"grants\.authorizationCode" is false.*Leave it on/,
    ],
  ])('refuses it where there is %s', (_, start, says) => {
    expect(startUpMessage(start)).toMatch(says);
  });

  it.each([
    ['https://shop.example.com'],
    ['https://example.net'],
    ['https://app.example.org.evil.example'],
    ['https://192.0.2.1'],
    ['https://[2001:db8::1]'],
    ['https://localhost'],
    ['http://localhost:5173'],
  ])('refuses %s in session.origins: it is of another site than publicUrl', (origin) => {
    const message = startUpMessage(() =>
      withSession({ origins: ['https://app.example.org', origin] }),
    );

    expect(message).toContain(`Option "session.origins" lists ${origin}`);
    expect(message).toContain('"publicUrl" (https://app.example.org)');
    expect(message).toMatch(/Serve them from .*; got ".*"\.$/);
  });

  it.each([
    ['https://192.0.2.1', 'https://198.0.2.1'],
    ['https://intranet', 'https://other'],
  ])('refuses, at %s, %s too', (publicUrl, origin) => {
    expect(startUpMessage(() => withSession({ origins: [origin] }, { publicUrl }))).toContain(
      origin,
    );
  });

  it.each([
    ['https://app.example.org', 'https://www.example.org'],
    ['https://app.example.org', 'https://example.org'],
    ['https://app.example.org', 'https://app.example.org:8443'],
    ['https://app.example.org', 'https://a-b_c.1.example.org'],
    ['https://app.example.co.uk', 'https://www.example.co.uk'],
    ['https://192.0.2.1', 'https://192.0.2.1:8443'],
    ['https://intranet', 'https://intranet:8443'],
    ['http://localhost:3000', 'http://localhost:5173'],
    ['http://localhost:3000', 'http://[::1]:5173'],
    ['http://localhost:3000', 'https://app.example.org'], // nobody knows yet where it will be
  ])('takes, at %s, %s', (publicUrl, origin) => {
    const session = withSession(
      { origins: [origin], returnTo: ['https://elsewhere.example'] },
      { publicUrl },
    );

    expect(session?.origins).toEqual([publicUrl, origin]);
  });

  it('completes what is left out', () => {
    expect(withSession({ cookieName: 'Shop.session-1_a' })).toEqual({
      cookieName: '__Host-Shop.session-1_a',
      secure: true,
      idleSec: 43_200,
      unrenewedSec: 28_800,
      returnTo: [],
      origins: ['https://app.example.org'],
      failurePage: undefined,
    });
    expect(withSession(undefined)).toBeUndefined();
  });
});
