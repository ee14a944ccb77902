/** One turn of a spec file. */
export interface FileRun {
  readonly file: string;
  /** Absent: it is recorded which mutants are reached. */
  readonly mutant?: number;
  /** It is asked for while modules are loaded, so that they are loaded anew for it. */
  readonly isStatic?: boolean;
  /** The tests to run, by their full names; absent: all. */
  readonly tests?: readonly string[];
}

export interface Plan {
  readonly runs: readonly FileRun[];
  /** The file that gets one line of JSON, a {@link FileReport}, after each turn. */
  readonly reports: string;
}

export interface TestReport {
  readonly name: string;
  readonly tookMs: number;
  readonly reached: readonly number[];
}

export interface FileReport {
  readonly file: string;
  readonly mutant?: number;
  readonly failed: boolean;
  /** The whole turn, what its hooks and modules take included. */
  readonly tookMs: number;
  /** Those that passed without a mutant. */
  readonly tests: readonly TestReport[];
  readonly atImport: readonly number[];
  readonly inHooks: readonly number[];
}

/** Tests of one file that reach a mutant. */
interface Reaching {
  readonly file: string;
  /** What a turn takes beside the tests. */
  readonly overheadMs: number;
  readonly tests: readonly TestReport[];
}

/**
 * The turns that try a mutant: those tests that reach it, of unit tests and quick files first, as many as take
 * `budgetMs` at most, what their files take beside them left out of account; one at least. Empty: no test reaches it.
 *
 * @param siblings the mutants of the same source file
 */
export function runsFor(
  mutant: number,
  siblings: ReadonlySet<number>,
  reports: readonly FileReport[],
  budgetMs: number,
): readonly FileRun[] {
  const byTests = reports.map((report) => reachingByTests(new Set([mutant]), report));
  const byHooks = reports.map((report) => reachingByHooks(mutant, report));
  const all = [...byTests, ...byHooks].filter(({ tests }) => tests.length > 0);
  if (all.length > 0) return withinBudget(all, budgetMs).map((run) => ({ ...run, mutant }));

  const users = reports
    .filter(({ atImport }) => atImport.includes(mutant))
    .map((report) => reachingByTests(siblings, report));
  return withinBudget(users, budgetMs).map((run) => ({ ...run, mutant, isStatic: true }));
}

function reachingByTests(mutants: ReadonlySet<number>, report: FileReport): Reaching {
  const tests = report.tests.filter(({ reached }) => reached.some((id) => mutants.has(id)));
  return { file: report.file, overheadMs: overheadOf(report), tests };
}

/** What a hook did, any of the file's tests may notice. */
function reachingByHooks(mutant: number, report: FileReport): Reaching {
  const tests = report.inHooks.includes(mutant) ? report.tests : [];
  return { file: report.file, overheadMs: overheadOf(report), tests };
}

function overheadOf({ tookMs, tests }: FileReport): number {
  return tookMs - sumOf(tests);
}

function withinBudget(all: readonly Reaching[], budgetMs: number): FileRun[] {
  const order = all.toSorted((one, other) => rank(one) - rank(other));
  const runs: FileRun[] = [];
  let spentMs = 0;
  for (const { file, tests } of order) {
    const names: string[] = [];
    for (const { name, tookMs } of tests.toSorted((one, other) => one.tookMs - other.tookMs)) {
      if (spentMs + tookMs > budgetMs && spentMs > 0) break;
      spentMs += tookMs;
      names.push(name);
    }
    if (names.length > 0) runs.push({ file, tests: names });
  }
  return runs;
}

function rank({ file, overheadMs, tests }: Reaching): number {
  return overheadMs + sumOf(tests) + (file.includes('/unit/') ? 0 : 1e9);
}

function sumOf(tests: readonly TestReport[]): number {
  return tests.reduce((sum, test) => sum + test.tookMs, 0);
}
