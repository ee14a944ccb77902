import { runInNewContext } from 'node:vm';

import ts from 'typescript';
import { describe, expect, it } from 'vitest';

import { mutate } from '../mutation/mutants.js';

/** What becomes of a source, as `before → after`. */
function mutantsOf(source: string): string[] {
  return mutate(source, 'x.ts', 0).mutants.map(({ before, after }) => `${before} → ${after}`);
}

/** Runs a source with one of its mutants on, and returns what its function `f` makes of the arguments. */
function result(source: string, active: number, ...given: readonly unknown[]): unknown {
  const { code } = mutate(source, 'x.ts', 0);
  const { outputText } = ts.transpileModule(code, {});
  const run: unknown = runInNewContext(`(() => { ${outputText}; return f; })()`, {
    $mutant: (id: number) => id === active,
  });
  return typeof run === 'function' ? run(...given) : undefined;
}

describe('the mutants of a source', () => {
  it.each<[source: string, mutants: readonly string[]]>([
    ['a === b;', ['a === b → true', 'a === b → false']],
    ['a < b;', ['a < b → a <= b', 'a < b → a >= b']],
    ['a >= b;', ['a >= b → a > b', 'a >= b → a < b']],
    ['x instanceof Y;', ['x instanceof Y → true', 'x instanceof Y → false']],
    ['a ?? b;', ['a ?? b → a', 'a ?? b → b']],
    ['a && b;', ['a → true', 'b → true']],
    ['a || b;', ['a → false', 'b → false']],
    ['!a;', ['!a → a']],
    ['a + b;', ['a + b → a - b']],
    ["a + 'text';", []],
    ['a % 2;', ['a % 2 → a * 2', '2 → 2 + 1']],
    ['x = [1];', ['x = [1]; → ', '1 → 1 + 1']],
    ["x(['a', '']);", ["x(['a', '']); → ", "'a' → ''"]],
    ["x('a');", ["x('a'); → "]],
    ['if (a) b();', ['a → true', 'a → false', 'b(); → ']],
    ['a ? b : c;', ['a → true', 'a → false']],
    ['throw x;', ['throw x; → ']],
    ['delete a.b;', ['delete a.b; → ']],
    ['const y = a.trim();', ['a.trim() → a']],
    ['const y = a.some(f);', ['a.some(f) → a.every(f)']],
    ['const y = a?.startsWith(b);', ['a?.startsWith(b) → a?.endsWith(b)']],
    ['const y = /^a$/.test(b);', ['/^a$/ → /a$/', '/^a$/ → /^a/']],
    ['const y: true = z;', []],
    ["import { a } from 'b';", []],
    ['class A { constructor() { super(); } }', []],
  ])('%s', (source, mutants) => {
    expect(mutantsOf(source)).toEqual(mutants);
  });

  it('bear their places, and numbers that go on from a given one', () => {
    const { mutants } = mutate('f();\n  g(!a);', 'lib/x.ts', 7);

    expect(mutants.map(({ id, file, line, column }) => [id, file, line, column])).toEqual([
      [7, 'lib/x.ts', 1, 1],
      [8, 'lib/x.ts', 2, 3],
      [9, 'lib/x.ts', 2, 5],
    ]);
  });
});

describe('a source with its mutants in it', () => {
  const source = `
    function f(a: number, log: string[]): string {
      if (a < 0) throw new Error('below zero');
      log.push('seen');
      const found = log?.filter((one) => one !== '').at(0)?.trim();
      return found === undefined || a > 10 ? 'none' : found;
    }`;

  it('parses with all of them', () => {
    const { code, mutants } = mutate(source, 'x.ts', 0);
    const { diagnostics } = ts.transpileModule(code, { reportDiagnostics: true });

    expect(diagnostics).toEqual([]);
    for (const { id } of mutants) expect(code).toContain(`$mutant(${id})`);
    expect(mutants.length).toBeGreaterThan(10);
  });

  it('does what it did when none of them is on, and otherwise with that one', () => {
    const at = (change: string): number => mutantsOf(source).indexOf(change);

    expect(result(source, -1, 1, [])).toBe('seen');
    expect(result(source, at('a > 10 → a <= 10'), 1, [])).toBe('none');
    expect(result(source, at("log.push('seen'); → "), 1, [])).toBe('none');
    expect(result(source, at("one !== '' → true"), 1, ['', 'x'])).toBe('');
    expect(() => result(source, -1, -1, [])).toThrow('below zero');
    expect(result(source, at("throw new Error('below zero'); → "), -1, [])).toBe('seen');
  });
});
