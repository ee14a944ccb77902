import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

import { createVitest, type Vitest } from 'vitest/node';

import { mutate, type Mutant } from './mutants.js';
import { describe, listedIn, type Outcome, reportOf, withoutPlace } from './outcomes.js';
import { type FileReport, type FileRun, type Plan, runsFor } from './plan.js';

/** What is mutated when nothing is named. */
const ROOMS = 'tokens sealing login logout sessions keys users grants documents federation'.split(
  ' ',
);

/** A worker is given up after this many turns, and with it what mutants left behind in it. */
const TURNS = 150;

/** A mutant that makes a test wait is found out after this time; tests that are slower without one take no part. */
const TIMEOUT_MS = 8000;

/**
 * Tries every small mistake of {@link mutate} in source files, and lists those that no test notices.
 *
 * `npm run mutate -- lib/tokens lib/login/pending-login.ts --specs test/unit --specs test/e2e/guard --budget-ms 2000`;
 * with `--again <file>` only those that an earlier run listed in that file.
 */
export async function main(args: readonly string[]): Promise<void> {
  const { positionals, values } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      specs: { type: 'string', multiple: true, default: ['test/unit', 'test/e2e'] },
      'budget-ms': { type: 'string', default: '5000' },
      again: { type: 'string' },
    },
  });
  const targets = positionals.length > 0 ? positionals : ROOMS.map((room) => `lib/${room}`);
  const sources = targets.flatMap((path) => filesOf(path, /(?<!\.d)\.ts$/));
  const specs = values.specs.flatMap((path) => filesOf(path, /spec\.ts$/));

  const mutants: Mutant[] = [];
  const mutated = new Map<string, string>();
  for (const file of sources) {
    const result = mutate(readFileSync(file, 'utf8'), file, mutants.length);
    mutants.push(...result.mutants);
    mutated.set(resolve(file), result.code);
  }
  say(`${mutants.length} mutants in ${sources.length} files, ${specs.length} spec files`);

  const laboratory = await Laboratory.open(mutated);
  try {
    const recorded = await laboratory.run(specs.map((file) => ({ file, isStatic: true })));
    const broken = recorded.filter(({ failed }) => failed).map(({ file }) => `\n  ${file}`);
    say(`${recorded.flatMap(({ tests }) => tests).length} tests pass without a mutant`);
    if (broken.length > 0) say(`Not all tests pass in:${broken.join('')}`);
    const budgetMs = Number(values['budget-ms']);
    const listed = values.again === undefined ? undefined : listedIn(values.again);
    const chosen = mutants.filter((mutant) => listed?.has(withoutPlace(describe(mutant))) ?? true);
    say(reportOf(await tryAll(laboratory, { mutants, chosen, recorded, budgetMs })));
  } finally {
    await laboratory.close();
  }
}

interface Trial {
  readonly mutants: readonly Mutant[];
  readonly chosen: readonly Mutant[];
  readonly recorded: readonly FileReport[];
  readonly budgetMs: number;
}

async function tryAll(
  laboratory: Laboratory,
  { mutants, chosen, recorded, budgetMs }: Trial,
): Promise<Outcome[]> {
  const planned = chosen.map((mutant) => {
    const siblings = mutants.filter(({ file }) => file === mutant.file).map(({ id }) => id);
    return { mutant, runs: runsFor(mutant.id, new Set(siblings), recorded, budgetMs) };
  });
  // The cheapest turn of each first, then two more, then four: whatever is noticed takes no further ones.
  const noticed = new Set<number | undefined>();
  for (let done = 0, wave = 1; ; done += wave, wave *= 2) {
    const runs = planned.flatMap(({ mutant, runs: own }) =>
      noticed.has(mutant.id) ? [] : own.slice(done, done + wave),
    );
    if (runs.length === 0) break;
    const reports = await laboratory.run(runs);
    for (const { failed, mutant } of reports) if (failed) noticed.add(mutant);
  }

  return planned.map(({ mutant, runs: own }) => {
    const tests = own.flatMap((run) => run.tests ?? []).length;
    if (tests === 0) return { mutant, end: 'not reached', tests };
    return { mutant, end: noticed.has(mutant.id) ? 'killed' : 'survived', tests };
  });
}

/** Runs spec files against the mutated sources. */
class Laboratory {
  readonly #folder = mkdtempSync(join(tmpdir(), 'mutation-'));
  #vitest: Vitest | undefined;

  static async open(mutated: ReadonlyMap<string, string>): Promise<Laboratory> {
    const laboratory = new Laboratory();
    laboratory.#vitest = await createVitest(
      'test',
      { config: false, watch: false },
      {
        plugins: [
          {
            name: 'mutants',
            enforce: 'pre',
            transform: (_code, id) => mutated.get(id),
          },
        ],
        test: {
          setupFiles: ['reflect-metadata', './test/support/setup.ts'],
          include: ['test/**/*spec.ts'],
          runner: './test/mutation/mutation-runner.ts',
          reporters: [{}],
          env: { MUTATION_PLAN: laboratory.#planFile },
          isolate: false,
          maxWorkers: 1,
          passWithNoTests: true,
          testTimeout: TIMEOUT_MS,
          hookTimeout: TIMEOUT_MS,
          sequence: { sequencer: InOrder },
        },
      },
    );
    return laboratory;
  }

  get #planFile(): string {
    return join(this.#folder, 'plan.json');
  }

  get #reportFile(): string {
    return join(this.#folder, 'reports.jsonl');
  }

  /** A turn that gives no report ended its worker: it counts as failed, and the others go on without it. */
  async run(runs: readonly FileRun[]): Promise<FileReport[]> {
    const all: FileReport[] = [];
    const began = performance.now();
    for (let at = 0; at < runs.length;) {
      const turns = runs.slice(at, at + TURNS);
      const reports = await this.#runSome(turns);
      const crashed = turns[reports.length];
      all.push(...reports, ...(crashed === undefined ? [] : [failure(crashed)]));
      at += reports.length + (crashed === undefined ? 0 : 1);
      const minutes = Math.round((performance.now() - began) / 60_000);
      say(`${at} of ${runs.length} turns in ${minutes} min`);
    }
    return all;
  }

  async #runSome(runs: readonly FileRun[]): Promise<FileReport[]> {
    const plan: Plan = { runs, reports: this.#reportFile };
    writeFileSync(this.#planFile, JSON.stringify(plan));
    writeFileSync(this.#reportFile, '');
    const project = this.#vitest?.getRootProject();
    const specifications = runs.flatMap(
      ({ file }) => project?.createSpecification(resolve(file)) ?? [],
    );
    await this.#vitest?.runTestSpecifications(specifications);
    const lines = readFileSync(this.#reportFile, 'utf8').split('\n').slice(0, -1);
    return lines.map((line): FileReport => JSON.parse(line));
  }

  async close(): Promise<void> {
    await this.#vitest?.close();
    rmSync(this.#folder, { recursive: true });
  }
}

/** Keeps the order of a plan, which names files many times. */
class InOrder {
  shard<T>(files: T[]): T[] {
    return files;
  }

  sort<T>(files: T[]): T[] {
    return files;
  }
}

function failure({ file, mutant }: FileRun): FileReport {
  const nothing = { tookMs: 0, tests: [], atImport: [], inHooks: [] };
  return { file, ...(mutant === undefined ? {} : { mutant }), failed: true, ...nothing };
}

/** A file, the files in a folder, or those whose paths begin so. */
function filesOf(path: string, pattern: RegExp): string[] {
  const folder = path.slice(0, path.lastIndexOf('/'));
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  const names = readdirSync(isFolder ? path : folder, { recursive: true, encoding: 'utf8' });
  return names
    .map((name) => join(isFolder ? path : folder, name))
    .filter((file) => file.startsWith(path) && pattern.test(file))
    .toSorted();
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
