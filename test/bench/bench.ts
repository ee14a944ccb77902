import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { BenchIssuer } from './issuer.js';
import type { Finding, Line, Row, Surroundings } from './row.js';
import { rows } from './rows.js';
import { table } from './table.js';
import { writeDocs } from './write-docs.js';
import { writeProfiles } from './profiles.js';

const RESULTS = fileURLToPath(new URL('results/', import.meta.url));

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

/** A row that cannot be run is left out, with the reason: the others are worth having. */
async function findingOf(row: Row, surroundings: Surroundings): Promise<Finding> {
  try {
    return await row.run(surroundings);
  } catch (error) {
    process.exitCode = 1;
    print(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return { lines: [], raw: [], missing: `it failed: ${String(error)}` };
  }
}

/**
 * `npm run bench`, or some of its rows: `npm run bench -- remembered-express --rounds 3`; `--profiles` instead writes flame graphs, `--write-docs` what the rows
 * have left behind into docs/performance.md.
 */
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
      'write-docs': { type: 'boolean', default: false },
    },
  });
  mkdirSync(RESULTS, { recursive: true });
  if (values['write-docs']) return writeDocs(RESULTS, print);
  const { short, largest } = values;
  const timing = {
    rounds: Number(values.rounds),
    answers: Number(values.answers),
  };
  const issuer = await BenchIssuer.start();
  const lines: Line[] = [];
  try {
    if (values.profiles) return await writeProfiles(issuer, RESULTS, print);
    for (const row of chosen(positionals)) {
      print(`\n${row.title}`);
      const [load = 0] = loadavg();
      const finding = await findingOf(row, {
        issuer,
        timing,
        short,
        largest,
        progress: (text) => print(`  ${text}`),
      });
      lines.push(...finding.lines);
      const { name, title } = row;
      const at = new Date();
      const report = { row: name, title, at, machine: machine(), load, timing, short, ...finding };
      writeFileSync(`${RESULTS}${name}.json`, `${JSON.stringify(report, undefined, 2)}\n`);
      if (finding.missing !== undefined) print(`\nLEFT OUT: ${finding.missing}`);
      print(`\n${table(finding.lines)}`);
    }
  } finally {
    issuer.close();
  }
  print(`\n${JSON.stringify(machine())}\n\n${table(lines)}`);
}
