import { describe, expect, it } from 'vitest';

import { printable } from '../../lib/errors/printable.js';
import { OAuthError } from '../../lib/errors/oauth.error.js';
import { loginScope } from '../../lib/tokens/scopes.js';
import { LoginCookies } from '../../lib/login/login-cookies.js';
import { redirectTarget } from '../../lib/login/redirect-uris.js';
import { isLocalPath } from '../../lib/options/url-rules.js';
import { isRedirectUri, isScopeList } from '../../lib/options/value-rules.js';
import { Parameter, cookiesOf, formOf, queryOf } from '../../lib/routes/request-parameters.js';
import { presentedToken } from '../../lib/tokens/bearer-token.js';
import { challengeOf } from '../../lib/tokens/challenge.js';
import { claimAt, meetsDemand } from '../../lib/tokens/claim-path.js';
import { readCompactJws } from '../../lib/tokens/compact-jws.js';
import { scopesOf } from '../../lib/tokens/roles.js';

const SIZE = 65_536;
const LIMIT_MS = 10;

class OneParameter {
  @Parameter(8192) readonly scope: string | undefined;
}

const cookies = new LoginCookies('https://app.example.org');
const scopes = { scopes: ['openid'], allowedScopes: ['openid'], offlineAccess: true };
const redirects = {
  publicUrl: 'https://app.example.org',
  allowedRedirectUris: ['https://app.example.org/cb'],
  loopbackRedirects: { paths: ['/callback'] },
};

/** Everything that reads a text of somebody else. */
const parsers: Record<string, (text: string) => unknown> = {
  'a header Authorization': (text) => presentedToken({ authorization: text }),
  'a bearer token': (text) => presentedToken({ authorization: `Bearer ${text}` }),
  'a claim path': (text) => claimAt({ a: { a: 1 } }, text),
  'a claim value': (text) => meetsDemand({ a: text }, { path: 'a', values: ['b'] }, []),
  'scopes of a token': (text) => scopesOf({ scope: text }),
  'scopes of a login': (text) => loginScope(scopes, text, true),
  'scopes of an option': (text) => isScopeList(text),
  'a redirect URI': (text) => redirectTarget(text, 'https://app.example.org/c', redirects),
  'a loopback URI': (text) => redirectTarget(`http://localhost/${text}`, undefined, redirects),
  'a redirect URI of an option': (text) => isRedirectUri(text, {}),
  'a local path': (text) => isLocalPath(`/${text}`),
  cookies: (text) => cookies.held(cookiesOf({ headers: { cookie: text } })),
  'login cookies': (text) =>
    cookies.held(cookiesOf({ headers: { cookie: `__Host-oidc-login.${text}` } })),
  'a value of a login cookie': (text) =>
    cookies.held(cookiesOf({ headers: { cookie: `__Host-oidc-login.a=${text}` } })),
  'a query': (text) => queryOf({ headers: {}, url: `/?${text}` }, OneParameter),
  'a form': (text) => formOf({ headers: {}, body: text }, OneParameter),
  'a token': (text) => readCompactJws(text),
  'the first part of a token': (text) => readCompactJws(`${text}.e30.AA`),
  'the last part of a token': (text) => readCompactJws(`e30.e30.${text}`),
  'a challenge': (text) => challengeOf(new OAuthError('access_denied', text, { status: 403 })),
  'a line of the log': (text) => printable(text),
};

const separators = ' \t\n\r;=&.,/|~-_%+[]"\\:@?#*A\u0000\u00e9\u2028';

/** Texts that make a matcher backtrack: one character or a pair, over and over, with something else at its end. */
const texts: readonly string[] = separators.split('').flatMap((character) => {
  const run = character.repeat(SIZE);
  const pairs = `a${character}`.repeat(SIZE / 2);
  return [run, `${run}!`, `a${run}\nb`, `${run}a=b`, pairs, `${pairs}!`, `Bearer ${run}\nb`];
});

/** Milliseconds of the processor, which what else goes on at the machine does not make more. */
function elapsed(parse: (text: string) => unknown, text: string): number {
  const before = process.cpuUsage();
  try {
    parse(text);
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

describe('parsers', () => {
  it.each(Object.entries(parsers))(
    'DS-3: read 64 kB of %s in less than 10 ms of the processor',
    (_name, parse) => {
      const slow = texts.filter((text) => {
        // The collection of garbage hits one attempt, a quadratic matcher each.
        for (let attempt = 0; attempt < 5; attempt += 1) {
          if (elapsed(parse, text) < LIMIT_MS) return false;
        }
        return true;
      });

      expect(
        slow.map(
          (text) => `${JSON.stringify(text.slice(0, 12))} … ${JSON.stringify(text.slice(-3))}`,
        ),
      ).toEqual([]);
    },
  );
});
