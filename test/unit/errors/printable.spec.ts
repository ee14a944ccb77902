import { describe, expect, it } from 'vitest';

import { printable } from '../../../lib/errors/printable.js';
import { Reason } from '../../../lib/errors/reason.js';

/** Code points that forge, hide or reorder what a line shows, by kind. */
const kinds: [name: string, points: readonly number[]][] = [
  ['CR and LF', [0x0d, 0x0a]],
  ['control characters', [0x00, 0x07, 0x08, 0x0b, 0x0c, 0x1b, 0x7f]],
  ['control characters of 8 bits', [0x80, 0x85, 0x9b, 0x9f]],
  ['line and paragraph separators', [0x2028, 0x2029]],
  ['bidirectional embeddings and overrides', [0x202a, 0x202b, 0x202c, 0x202d, 0x202e]],
  ['bidirectional isolates', [0x2066, 0x2067, 0x2068, 0x2069]],
  ['bidirectional marks', [0x200e, 0x200f, 0x061c]],
  ['deprecated formatting', [0x206a, 0x206b, 0x206c, 0x206d, 0x206e, 0x206f]],
  ['zero-width characters', [0x200b, 0x200c, 0x200d, 0x2060, 0xfeff, 0x180e]],
  ['invisible operators', [0x2061, 0x2062, 0x2063, 0x2064]],
  ['the soft hyphen and the grapheme joiner', [0x00ad, 0x034f]],
  ['fillers that show nothing', [0x115f, 0x1160, 0x17b4, 0x17b5, 0x3164, 0xffa0, 0x2800]],
  ['variation selectors', [0xfe00, 0xfe0f, 0xe0100, 0x180b]],
  ['tags', [0xe0001, 0xe0041, 0xe007f]],
  ['interlinear annotations', [0xfff9, 0xfffa, 0xfffb]],
  ['other blanks', [0x00a0, 0x1680, 0x2003, 0x202f, 0x205f, 0x3000]],
  ['private use and what is no character', [0xe000, 0xf8ff, 0xffff, 0x10ffff]],
];

const single = kinds.flatMap(([name, points]) =>
  points.map((point): [string, string, string] => [
    name,
    `U+${point.toString(16).padStart(4, '0')}`,
    String.fromCodePoint(point),
  ]),
);

describe('printable', () => {
  it.each(single)('LG-2: escapes %s: %s', (_name, _point, character) => {
    const printed = printable(`x${character}forged`);

    expect(printed).not.toContain(character);
    expect(printed).toMatch(/^x\\u(?:[0-9a-f]{4}|\{[0-9a-f]{5,6}\})forged$/);
  });

  it('LG-2: escapes halves of surrogate pairs, those that the cut makes too', () => {
    expect(printable('x\ud800y\udc00')).toBe(String.raw`x\ud800y\udc00`);
    expect(printable(`${'x'.repeat(199)}\u{1f600}`)).toBe(
      `${'x'.repeat(199)}${String.raw`\ud83d`}`,
    );
  });

  it.each([
    'https://idp.example/realms/a b?c=d&e="f"',
    'Jürgen Ægir',
    '管理者',
    'админ',
    'مدير',
    '\u{1f600}',
  ])('LG-2: leaves %s as it is', (text) => {
    expect(printable(text)).toBe(text);
  });

  it('LG-2: cuts to 200 characters', () => {
    expect(printable('x'.repeat(100_000))).toBe('x'.repeat(200));
  });

  it.each([undefined, null, 7, { toString: () => 'x\ny' }])('LG-2: takes %s', (value) => {
    expect(printable(value)).not.toContain('\n');
  });
});

describe('a reason', () => {
  it.each<[said: string, details: ConstructorParameters<typeof Reason>[1]]>([
    ['x', {}],
    ['x: expected "a", came nothing', { expected: ['a'], came: undefined }],
    ['x: expected "a", "b", came an empty list', { expected: ['a', 'b'], came: [] }],
    ['x: came 7, true, null, object', { came: [7, true, null, { sub: 'alice' }] }],
    ['x: missing "admin"', { missing: ['admin'] }],
    ['x: came "1", "2", "3", "4", "5" and 2 more', { came: ['1', '2', '3', '4', '5', '6', '7'] }],
    ['x; see "audience"', { option: '"audience"' }],
    ['x; see "audience"; set it', { option: '"audience"', mend: 'set it' }],
  ])('LG-1: reads: %s', (said, details) => {
    expect(String(new Reason('x', details))).toBe(said);
  });

  it.each(single)('LG-2: shows no value with %s raw: %s', (_name, _point, character) => {
    const reason = new Reason('aud', { came: [`x${character}`], missing: [character] });

    expect(JSON.stringify([reason, String(reason)])).not.toContain(character);
  });

  it('LG-2: shows no value that could pass for more of the line', () => {
    const reason = new Reason('aud', { came: 'x", expected "y' });

    expect(String(reason)).toBe(String.raw`aud: came "x\", expected \"y"`);
  });

  it('LG-1: shows no value that looks like a token', () => {
    const jwt = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2ln';

    expect(String(new Reason('scopes', { came: [jwt, `x${jwt}`, `Bearer ${jwt}`] }))).not.toMatch(
      /eyJzdWIi/,
    );
  });

  it('LG-2: cuts each value', () => {
    expect(String(new Reason('aud', { came: ['x'.repeat(10_000)] })).length).toBeLessThan(300);
  });
});
