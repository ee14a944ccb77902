import { describe, expect, it } from 'vitest';

import { protocolWord, repeated, withoutDetails } from '../../../lib/errors/shown-value.js';

const NQSCHAR = /^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/; // RFC 6749 §5.2

describe('what a text for the caller repeats', () => {
  it.each<[values: string[], said: string]>([
    [['calendar'], ': calendar'],
    [['calendar', 'api://app/.default'], ': calendar api://app/.default'],
    [['https://app.example.org/cb'], ': https://app.example.org/cb'],
    [['com.example.app:/callback'], ': com.example.app:/callback'],
    [['1', '2', '3', '4', '5', '6'], ': 1 2 3 4 5'],
    [[], ''],
    [['good', '<b>bad'], ': good'],
  ])('HS-6: of %j is %j', (values, said) => {
    expect(repeated(values)).toBe(said);
  });

  it.each([
    '"quoted"',
    String.raw`back\slash`,
    '<script>',
    "it's",
    '`x`',
    'caf\u00e9',
    'x\u202ey',
    'x\u200by',
    'a\r\nSet-Cookie: x=1',
    'x\u0000',
    'two words',
    'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2ln',
    'https://app.example.org@evil.example/',
    'https://app.example.org%2eevil.example/',
    '',
  ])('HS-6: is nothing of %j', (value) => {
    expect(repeated([value])).toBe('');
  });

  it('HS-6: is cut, in the characters of RFC 6749', () => {
    const said = repeated(Array.from({ length: 100 }, () => 'x'.repeat(10_000)));

    expect(said.length).toBeLessThan(1100);
    expect(said).toMatch(NQSCHAR);
  });
});

describe('an address in the log', () => {
  it.each([
    ['https://app.example.org/cb', 'https://app.example.org/cb'],
    ['https://app.example.org/cb?code=secret#x', 'https://app.example.org/cb?...'],
    ['https://app.example.org/cb#token=secret', 'https://app.example.org/cb#...'],
    ['https://user:secret@app.example.org/cb', 'https://...@app.example.org/cb'],
    ['//user:secret@evil.example', '//...@evil.example'],
    ['?secret', '?...'],
    ['not an address', 'not an address'],
    ['', ''],
  ])('LG-1: %j shows as %j', (uri, shown) => {
    expect(withoutDetails(uri)).toBe(shown);
  });
});

describe('a name of a protocol in the log', () => {
  it.each([
    'password',
    'client_credentials',
    'login consent',
    'urn:ietf:params:oauth:grant-type:jwt-bearer',
    'urn:openid:params:grant-type:ciba',
  ])('LG-1: shows %j', (word) => {
    expect(protocolWord(word)).toBe(word);
  });

  it.each(['eyJhbGciOiJSUzI1NiJ9.e30.x', 'Ab12', 'a'.repeat(61), 'x-y', 'x\ny', ''])(
    'LG-1: shows the length of %j alone',
    (word) => {
      expect(protocolWord(word)).toBe(`(${word.length} characters)`);
    },
  );
});
