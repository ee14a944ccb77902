import { describe, expect, it } from 'vitest';

import { nestsTooDeep } from '../../../lib/tokens/nesting.js';

/** Lists or objects within each other, this many of them. */
function nested(levels: number, kind: 'lists' | 'objects'): unknown {
  const [open, close] = kind === 'lists' ? ['[', ']'] : ['{"a":', '}'];
  return JSON.parse(`${open.repeat(levels)}${kind === 'lists' ? '' : '1'}${close.repeat(levels)}`);
}

describe('JSON that nests', () => {
  it.each(['lists', 'objects'] as const)('DS-1: is taken up to 1,024 %s deep', (kind) => {
    expect(nestsTooDeep({ deep: nested(1024, kind) })).toBe(false);
    expect(nestsTooDeep({ deep: nested(1025, kind) })).toBe(true);
    expect(nestsTooDeep({ flat: 1, a: [{}, nested(1024, kind)] })).toBe(true);
  });

  it('DS-1: can be written again when it is taken', () => {
    expect(JSON.stringify({ deep: nested(1024, 'lists') })).toHaveLength(2 * 1024 + 9);
  });

  it.each([null, 1, 'text', undefined, true])('DS-1: %j nests nothing', (value) => {
    expect(nestsTooDeep(value)).toBe(false);
  });

  it('DS-1: is told from what is only wide, also when it is very deep', () => {
    const wide = Array.from({ length: 400_000 }, () => ({ a: [1, 'x', null] }));

    expect(nestsTooDeep(wide)).toBe(false);
    expect(nestsTooDeep(nested(200_000, 'lists'))).toBe(true);
  });
});
