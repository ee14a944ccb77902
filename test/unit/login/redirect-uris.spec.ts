import { describe, expect, it } from 'vitest';

import { OidcConfigError } from '../../../lib/index.js';
import { redirectTarget } from '../../../lib/login/redirect-uris.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import { resolveRoutes } from '../../../lib/options/resolve-routes.js';

const CALLBACK = 'https://app.example.org/auth/v2/callback';
const PAGE = 'https://app.example.org/signed-in';
const CLIENT = 'https://partner.example.com/oidc/done';
const NATIVE = 'com.example.app:/signed-in';

const options = {
  publicUrl: 'https://app.example.org',
  allowedRedirectUris: [PAGE, CLIENT, NATIVE],
  loopbackRedirects: { paths: ['/callback', '/cli/done'] },
};

const target = (uri: string) => redirectTarget(uri, CALLBACK, options);

const allowed: [uri: string, target: string][] = [
  [CALLBACK, 'callback'],
  [PAGE, 'page'],
  [CLIENT, 'client'],
  [NATIVE, 'client'],
  ['http://localhost:53100/callback', 'loopback'],
  ['http://localhost/callback', 'loopback'],
  ['http://127.0.0.1:1/callback', 'loopback'],
  ['http://[::1]:65535/callback', 'loopback'],
  ['http://localhost:53100/cli/done', 'loopback'],
];

const disguisedLoopback = {
  'another host behind user info': 'http://localhost@evil.example/callback',
  'another host behind user info with a port': 'http://localhost:53100@evil.example/callback',
  'another host before a fragment': 'http://evil.example#@localhost:53100/callback',
  'another host before a backslash': 'http://evil.example\\@localhost:53100/callback',
  'a name that resolves to loopback': 'http://127.0.0.1.nip.io/callback',
  'a name that begins with localhost': 'http://localhost.evil.example/callback',
  'a percent-encoded dot in the host': 'http://localhost%2eevil.example/callback',
  'a trailing dot in the host': 'http://localhost.:53100/callback',
  'a decimal address': 'http://2130706433/callback',
  'a hexadecimal address': 'http://0x7f.0.0.1/callback',
  'an octal address': 'http://0177.0.0.1/callback',
  'a short address': 'http://127.1:53100/callback',
  'another address of the loopback network': 'http://127.0.0.2:53100/callback',
  'the unspecified address': 'http://0.0.0.0:53100/callback',
  'a mapped IPv6 address': 'http://[::ffff:127.0.0.1]:53100/callback',
  'a long IPv6 address': 'http://[0:0:0:0:0:0:0:1]:53100/callback',
  'a host with a Cyrillic letter': 'http://l\u043ecalhost:53100/callback',
  'a host in full-width letters': 'http://\uff4cocalhost:53100/callback',
  'a soft hyphen in the host': 'http://local\u00adhost:53100/callback',
  'upper case in the host': 'http://LOCALHOST:53100/callback',
  'upper case in the scheme': 'HTTP://localhost:53100/callback',
  'upper case in the path': 'http://localhost:53100/Callback',
  'the default port': 'http://localhost:80/callback',
  'a port with a leading zero': 'http://localhost:053100/callback',
  https: 'https://localhost:53100/callback',
  'ws instead of http': 'ws://localhost:53100/callback',
  'user info': 'http://user@localhost:53100/callback',
  'user info with a password': 'http://user:password@localhost:53100/callback',
  'a password alone': 'http://:password@localhost:53100/callback',
  'empty user info': 'http://@localhost:53100/callback',
  'a query': 'http://localhost:53100/callback?next=1',
  'an empty query': 'http://localhost:53100/callback?',
  'a fragment': 'http://localhost:53100/callback#next',
  'an empty fragment': 'http://localhost:53100/callback#',
  'a separator of state': 'http://localhost:53100/callback|x',
  'a path that is not listed': 'http://localhost:53100/other',
  'no path': 'http://localhost:53100',
  'a listed path and a slash': 'http://localhost:53100/callback/',
  'a listed path and more': 'http://localhost:53100/callback/../../x',
  'a way up to a listed path': 'http://localhost:53100/x/../callback',
  'a percent-encoded way up': 'http://localhost:53100/x/%2e%2e/callback',
  'a percent-encoded listed path': 'http://localhost:53100/%63allback',
  'a doubled slash': 'http://localhost:53100//callback',
  'a backslash for a slash': 'http://localhost:53100\\callback',
  'one slash after the scheme': 'http:/localhost:53100/callback',
  'a tab inside': 'http://localhost:53100/call\tback',
  'a line break inside': 'http://localhost:53100/call\r\nback',
  'a line break at the end': 'http://localhost:53100/callback\n',
  'a space before it': ' http://localhost:53100/callback',
  'a null byte at the end': 'http://localhost:53100/callback\0',
};

const disguisedListed = {
  'nothing at all': '',
  'a relative path': '/signed-in',
  'no scheme': '//app.example.org/signed-in',
  'a script': 'javascript:alert(1)//https://app.example.org/signed-in',
  'a data URL': 'data:text/html,https://app.example.org/signed-in',
  'a file': 'file:///signed-in',
  http: 'http://app.example.org/signed-in',
  'the default port': 'https://app.example.org:443/signed-in',
  'another port': 'https://app.example.org:8443/signed-in',
  'upper case in the host': 'https://APP.example.org/signed-in',
  'a slash at the end': 'https://app.example.org/signed-in/',
  'a listed path and more': 'https://app.example.org/signed-in/x',
  'a way up to the listed path': 'https://app.example.org/x/../signed-in',
  'a query': 'https://app.example.org/signed-in?next=https://evil.example',
  'a fragment': 'https://app.example.org/signed-in#x',
  'a percent-encoded line break': 'https://app.example.org/signed-in%0d%0a',
  'a space at the end': 'https://app.example.org/signed-in ',
  'user info': 'https://app.example.org@evil.example/signed-in',
  'a backslash before user info': 'https://evil.example\\@app.example.org/signed-in',
  'a longer host': 'https://app.example.org.evil.example/signed-in',
  'a sub-domain': 'https://www.app.example.org/signed-in',
  'a trailing dot in the host': 'https://app.example.org./signed-in',
  'it inside another query': 'https://evil.example/?https://app.example.org/signed-in',
  'another page of our origin': 'https://app.example.org/',
  'our callback with a query': `${CALLBACK}?x=1`,
  'our callback with a slash': `${CALLBACK}/`,
  'our callback in upper case': CALLBACK.toUpperCase(),
  'the origin of another client': 'https://partner.example.com/',
  'another path of a private scheme': 'com.example.app:/other',
  'a private scheme in upper case': 'COM.example.app:/signed-in',
};

/** Entries that could never match at the provider, or would send codes over an open line. */
const unusableEntries = [
  'https://a.example.org',
  'https://a.example.org/cb?tenant=1',
  'https://a.example.org/cb?',
  'https://a.example.org/cb#x',
  'https://a.example.org:443/cb',
  'https://A.example.org/cb',
  'https://a.example.org/x/../cb',
  'https://user@a.example.org/cb',
  'https://a.example.org/cb|x',
  'http://a.example.org/cb',
  'javascript:alert(1)',
  'data:text/html,x',
  'file:///cb',
  'myapp:/cb',
  '/signed-in',
  '*',
  '',
];

describe('redirectTarget', () => {
  it.each(allowed)('AR-1: takes %s as %s', (uri, expected) => {
    expect(target(uri)).toBe(expected);
  });

  it.each(Object.entries(disguisedLoopback))(
    'AR-1: refuses a loopback address with %s',
    (_name, uri) => {
      expect(target(uri)).toBeUndefined();
    },
  );

  it.each(Object.entries(disguisedListed))('AR-1: refuses a listed address as %s', (_name, uri) => {
    expect(target(uri)).toBeUndefined();
  });

  it('AR-1: refuses every loopback address when they are switched off', () => {
    const off = { ...options, loopbackRedirects: false } as const;

    expect(redirectTarget('http://localhost:53100/callback', CALLBACK, off)).toBeUndefined();
    expect(redirectTarget('http://[::1]:53100/callback', CALLBACK, off)).toBeUndefined();
  });

  it('AR-1: knows only the loopback paths of the option', () => {
    const other = { ...options, loopbackRedirects: { paths: ['/done'] } };

    expect(redirectTarget('http://localhost:1/done', CALLBACK, other)).toBe('loopback');
    expect(redirectTarget('http://localhost:1/callback', CALLBACK, other)).toBeUndefined();
  });

  it('AR-1: takes a page on the origin of publicUrl as ours, and one on another port as a client', () => {
    const local = {
      ...options,
      publicUrl: 'http://localhost:3000',
      allowedRedirectUris: ['http://localhost:3000/callback', 'http://localhost:3001/page'],
    };
    const callback = 'http://localhost:3000/auth/v2/callback';

    expect(redirectTarget(callback, callback, local)).toBe('callback');
    expect(redirectTarget('http://localhost:3000/callback', callback, local)).toBe('page');
    expect(redirectTarget('http://localhost:3001/callback', callback, local)).toBe('loopback');
    expect(redirectTarget('http://localhost:3001/page', callback, local)).toBe('client');
  });

  it('AR-1: takes no entry for a pattern', () => {
    const starred = { ...options, allowedRedirectUris: ['https://*.example.com/cb'] };

    expect(redirectTarget('https://evil.example.com/cb', CALLBACK, starred)).toBeUndefined();
    expect(redirectTarget('https://a.example.com/cb', CALLBACK, starred)).toBeUndefined();
  });

  it('AR-1: allows nothing but loopback addresses and listed ones without a callback of our own', () => {
    expect(redirectTarget(CALLBACK, undefined, options)).toBeUndefined();
    expect(redirectTarget(PAGE, undefined, options)).toBe('page');
    expect(redirectTarget(PAGE, undefined, { ...options, publicUrl: undefined })).toBe('client');
    expect(redirectTarget('http://localhost:1/callback', undefined, options)).toBe('loopback');
  });
});

/** What start-up makes of an allow-list with this entry. */
function listing(uri: unknown) {
  const given = {
    clientId: 'my-client',
    discoveryUrl: 'https://idp.example.org/.well-known/openid-configuration',
    audience: 'my-aud',
    publicUrl: 'https://app.example.org',
    ...Object.fromEntries([['allowedRedirectUris', [uri]]]),
  };
  return () => resolveOptions(given, resolveRoutes());
}

describe('allowedRedirectUris', () => {
  it.each([PAGE, CLIENT, NATIVE, 'http://localhost:3000/page'])('AR-1: may hold %s', (uri) => {
    expect(listing(uri)()).toMatchObject({ allowedRedirectUris: [uri] });
  });

  it.each([...unusableEntries, 1, null])('AR-1: stops start-up over the entry %j', (uri) => {
    expect(listing(uri)).toThrow(OidcConfigError);
    expect(listing(uri)).toThrow(/"allowedRedirectUris"/);
  });
});
