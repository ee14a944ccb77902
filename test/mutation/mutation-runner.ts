import { appendFileSync, readFileSync } from 'node:fs';

import { vi } from 'vitest';
import { VitestTestRunner, type VitestRunner } from 'vitest/runners';

import type { FileReport, FileRun, Plan, TestReport } from './plan.js';

type Files = Parameters<NonNullable<VitestRunner['onCollected']>>[0];
type File = Files[number];
type Task = File['tasks'][number];
type Test = Extract<Task, { type: 'test' }>;

/** A mutant that is asked for more often than this runs in a circle. */
const MOST_QUESTIONS = 3_000_000;

/** Which mutant is on, and which ones were reached. */
const state = { active: -1, questions: 0, reached: new Set<number>() };

Object.assign(globalThis, {
  $mutant(id: number): boolean {
    if (state.active === -1) state.reached.add(id);
    if (id !== state.active) return false;
    state.questions += 1;
    if (state.questions > MOST_QUESTIONS) throw new Error('This mutant ends in no time');
    return true;
  },
});

const read = (path: string | undefined): Plan => JSON.parse(readFileSync(path ?? '', 'utf8'));

/**
 * Runs spec files one after another as a plan says: each of them for one mutant and only those of its tests that reach it,
 * until one of them fails. A plan without mutants records which test reaches which mutant.
 */
export default class MutationRunner extends VitestTestRunner {
  readonly #plan = read(process.env['MUTATION_PLAN']);
  readonly #reports: TestReport[] = [];
  readonly #killed = new Set<number>();
  #turn = -1;
  #turnBegun = 0;
  #begun = 0;
  #atImport: number[] = [];
  #inHooks: number[] = [];

  get #run(): FileRun | undefined {
    return this.#plan.runs[this.#turn];
  }

  onBeforeCollect(): void {
    this.#turn += 1;
    this.#turnBegun = performance.now();
    const { mutant, isStatic = false } = this.#run ?? {};
    if (isStatic || this.#plan.runs[this.#turn - 1]?.isStatic === true) vi.resetModules();
    Object.assign(state, { active: mutant ?? -1, questions: 0, reached: new Set<number>() });
    this.#reports.length = 0;
    this.#atImport = [];
    this.#inHooks = [];
  }

  override importFile(path: string, source: 'collect' | 'setup'): unknown {
    if (source === 'setup') return super.importFile(path, source);
    const { mutant } = this.#run ?? {};
    if (mutant !== undefined && this.#killed.has(mutant)) return undefined;
    return super.importFile(`${path}?turn=${this.#turn}`, source); // else it would be there already
  }

  onCollected(files: Files): void {
    this.#atImport = takeReached();
    const tests = this.#run?.tests;
    if (tests === undefined) return;
    const wanted = new Set(tests);
    for (const file of files) keepOnly(file, wanted);
  }

  override async onBeforeRunTask(test: Test): Promise<void> {
    const { mutant } = this.#run ?? {};
    if (mutant !== undefined && this.#killed.has(mutant)) test.mode = 'skip';
    await super.onBeforeRunTask(test);
  }

  override onBeforeTryTask(test: Test): void {
    this.#inHooks.push(...takeReached());
    this.#begun = performance.now();
    super.onBeforeTryTask(test);
  }

  override onAfterRunTask(test: Test): void {
    const { mutant } = this.#run ?? {};
    const failed = test.result?.state === 'fail';
    if (failed && mutant !== undefined) this.#killed.add(mutant);
    if (test.result?.state === 'pass' && mutant === undefined) {
      const tookMs = performance.now() - this.#begun;
      this.#reports.push({ name: fullName(test), tookMs, reached: takeReached() });
    }
    super.onAfterRunTask(test);
  }

  override onAfterRunFiles(files?: Files): void {
    const run = this.#run;
    const failed = (files ?? []).some(hasFailed);
    if (failed && run?.mutant !== undefined) this.#killed.add(run.mutant);
    const report: FileReport = {
      file: run?.file ?? '',
      ...(run?.mutant === undefined ? {} : { mutant: run.mutant }),
      failed,
      tookMs: performance.now() - this.#turnBegun,
      tests: this.#reports,
      atImport: this.#atImport,
      inHooks: [...this.#inHooks, ...takeReached()],
    };
    appendFileSync(this.#plan.reports, `${JSON.stringify(report)}\n`);
    super.onAfterRunFiles();
  }
}

function takeReached(): number[] {
  const reached = [...state.reached];
  state.reached.clear();
  return reached;
}

function fullName(task: Task): string {
  return task.suite === undefined ? task.name : `${fullName(task.suite)} > ${task.name}`;
}

/** @returns whether a test is left. */
function keepOnly(task: Task | File, wanted: ReadonlySet<string>): boolean {
  const isKept =
    task.type === 'suite'
      ? task.tasks.map((child) => keepOnly(child, wanted)).includes(true)
      : wanted.has(fullName(task));
  if (!isKept) task.mode = 'skip';
  return isKept;
}

function hasFailed(task: Task | File): boolean {
  if (task.result?.state === 'fail') return true;
  return task.type === 'suite' && task.tasks.some(hasFailed);
}
