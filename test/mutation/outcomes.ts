import { readFileSync } from 'node:fs';

import type { Mutant } from './mutants.js';

/** What became of a mutant. */
export interface Outcome {
  readonly mutant: Mutant;
  readonly end: 'killed' | 'survived' | 'not reached';
  /** How many tests it was tried with. */
  readonly tests: number;
}

/** The mutants that were not noticed, and how many ended how. */
export function reportOf(outcomes: readonly Outcome[]): string {
  const lines: string[] = [];
  const say = (text: string): number => lines.push(text);
  for (const end of ['survived', 'not reached'] as const) {
    say(`\nMutants that ${end === 'survived' ? 'survived' : 'no test reached'}:`);
    for (const outcome of outcomes) {
      if (outcome.end === end) say(describeOutcome(outcome));
    }
  }
  const count = (end: Outcome['end']): number => outcomes.filter((one) => one.end === end).length;
  say(
    `\n${count('killed')} killed, ${count('survived')} survived, ${count('not reached')} not reached`,
  );
  return lines.join('\n');
}

function describeOutcome({ mutant, tests }: Outcome): string {
  return `${describe(mutant)}${tests === 0 ? '' : ` (${tests} tests)`}`;
}

export function describe({ file, line, column, before, after }: Mutant): string {
  const change =
    after === '' ? `left out: ${oneLine(before)}` : `${oneLine(before)} → ${oneLine(after)}`;
  return `${file}:${line}:${column} ${change}`;
}

/** The mutants that an earlier run printed to a file; the lines may have moved since. */
export function listedIn(file: string): ReadonlySet<string> {
  const lines = readFileSync(file, 'utf8').split('\n');
  return new Set(lines.map((line) => withoutPlace(line).replace(/ \(\d+ tests\)$/, '')));
}

export function withoutPlace(described: string): string {
  return described.replace(/:\d+:\d+ /, ' ');
}

function oneLine(text: string): string {
  const joined = text.replaceAll(/\s+/g, ' ');
  return joined.length > 100 ? `${joined.slice(0, 97)}...` : joined;
}
