import { describe, expect, it } from 'vitest';

import type { RequestHeaders } from '../../../lib/tokens/bearer-token.js';
import { cookieNamed, cookiesNamed, headerOf } from '../../../lib/tokens/session-cookie.js';

const lines = (cookie: string | string[] | undefined): RequestHeaders => ({ cookie });

describe('BS-3: the cookies of exactly one name', () => {
  it.each<[what: string, headers: RequestHeaders, values: string[]]>([
    ['alone', lines('oidc=one'), ['one']],
    ['first', lines('oidc=one; other=two'), ['one']],
    ['last', lines('other=two; oidc=one'), ['one']],
    ['in between, without blanks', lines('a=b;oidc=one;c=d'), ['one']],
    ['behind blanks and tabs', lines('a=b; \t oidc=one'), ['one']],
    ['before a blank, which is part of it', lines('oidc=one ; a=b'), ['one ']],
    ['of a value with equals signs', lines('oidc=one=two=; a=b'), ['one=two=']],
    ['of no value', lines('oidc=; a=b'), ['']],
    ['of no value, at the end', lines('a=b; oidc='), ['']],
    ['of no equals sign', lines('oidc; a=b'), []],
    ['whose equals sign is that of the next', lines('oidc;a=b'), []],
    ['twice', lines('oidc=one; oidc=two'), ['one', 'two']],
    ['in two lines', lines(['oidc=one', 'a=b; oidc=two']), ['one', 'two']],
    ['in headers of another case', { COOKIE: 'oidc=one', cookie: 'a=b' }, ['one']],
    ['in headers of a fetch', new Headers({ Cookie: 'a=b; oidc=one' }), ['one']],
    ['with a name that begins like it', lines('oidc2=one; oidc-x=two'), []],
    ['with a name that ends like it', lines('xoidc=one; __Host-oidc=two'), []],
    ['with a name of another case', lines('OIDC=one'), []],
    ['with a blank behind its name', lines('oidc =one'), []],
    ['as part of a value', lines('a=oidc=one; b="; oidc=two"'), ['two"']],
    ['of blanks alone', lines(' ; \t;; '), []],
    ['of an empty header', lines(''), []],
    ['of no header', {}, []],
    ['of a header that is not set', lines(undefined), []],
  ])('%s', (_, headers, values) => {
    expect(cookiesNamed(headers, 'oidc')).toEqual(values);
    expect(cookieNamed(headers, 'oidc')).toBe(values.length === 1 ? values[0] : undefined);
  });
});

describe('one header of a request', () => {
  it.each<[headers: RequestHeaders, value: string | undefined]>([
    [{ origin: 'one' }, 'one'],
    [{ Origin: 'one' }, 'one'],
    [{ origin: ['one'] }, 'one'],
    [{ origin: ['one', 'two'] }, undefined],
    [{ origin: 'one', Origin: 'one' }, undefined],
    [{ origins: 'one', rigin: 'two' }, undefined],
    [{ origin: undefined }, undefined],
    [new Headers({ origin: 'one' }), 'one'],
    [new Headers(), undefined],
  ])('%j: %s', (headers, value) => {
    expect(headerOf(headers, 'origin')).toBe(value);
  });
});
