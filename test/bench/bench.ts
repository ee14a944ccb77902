import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { BenchIssuer } from './issuer.js';
import type { Finding, Line, Row } from './row.js';
import { rows } from './rows.js';
import { writeProfiles } from './profiles.js';

const RESULTS = fileURLToPath(new URL('results/', import.meta.url));

function written({ median, lower, upper }: Line['value'], unit = ''): string {
  const digits = median >= 100 ? 0 : 2;
  const number = (value: number): string => value.toFixed(digits);
  return `${number(median)}${unit && ` ${unit}`} (${number(lower)} – ${number(upper)})`;
}

function table(lines: readonly Line[]): string {
  const cells = lines.map(({ what, against, value, unit, goal = '' }) => [
    what,
    against,
    written(value, unit),
    goal,
  ]);
  const all = [['what', 'against', 'median (quartiles)', 'goal'], ...cells];
  const widths = [0, 1, 2, 3].map((column) =>
    Math.max(...all.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = all;
  const rule = widths.map((width) => '-'.repeat(width));
  return [head, rule, ...body].map(line).join('\n');
}

function machine(): Record<string, unknown> {
  const [first] = cpus();
  return {
    node: process.version,
    processor: first?.model,
    cores: cpus().length,
    memoryMb: Math.round(totalmem() / 1e6),
  };
}

function chosen(names: readonly string[]): readonly Row[] {
  if (names.length === 0) return rows;
  return names.map((name) => {
    const row = rows.find((one) => one.name === name);
    if (row !== undefined) return row;
    throw new Error(`No row "${name}"; there are: ${rows.map((one) => one.name).join(', ')}`);
  });
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** `npm run bench`, or some of its rows: `npm run bench -- remembered-express --rounds 3`; `--profiles` instead writes flame graphs. */
export async function main(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '7' },
      answers: { type: 'string', default: '8000' },
      short: { type: 'boolean', default: false },
      largest: { type: 'boolean', default: false },
      profiles: { type: 'boolean', default: false },
    },
  });
  const timing = {
    rounds: Number(values.rounds),
    answers: Number(values.answers),
  };
  const issuer = await BenchIssuer.start();
  const lines: Line[] = [];
  mkdirSync(RESULTS, { recursive: true });
  try {
    if (values.profiles) return await writeProfiles(issuer, RESULTS, print);
    for (const row of chosen(positionals)) {
      print(`\n${row.title}`);
      const finding: Finding = await row.run({
        issuer,
        timing,
        short: values.short,
        largest: values.largest,
        progress: (text) => print(`  ${text}`),
      });
      lines.push(...finding.lines);
      const report = {
        row: row.name,
        title: row.title,
        at: new Date(),
        machine: machine(),
        timing,
        short: values.short,
        ...finding,
      };
      writeFileSync(`${RESULTS}${row.name}.json`, `${JSON.stringify(report, undefined, 2)}\n`);
      if (finding.missing !== undefined) print(`\nLEFT OUT: ${finding.missing}`);
      print(`\n${table(finding.lines)}`);
    }
  } finally {
    issuer.close();
  }
  print(`\n${JSON.stringify(machine())}\n\n${table(lines)}`);
}
