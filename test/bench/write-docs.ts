import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { format, resolveConfig } from 'prettier';

import { type Plot, type PlottedReports, plotsOf } from './plots.js';
import type { Line } from './row.js';
import { rows } from './rows.js';
import { table } from './table.js';

const PAGE = fileURLToPath(new URL('../../docs/performance.md', import.meta.url));
const PICTURES = fileURLToPath(new URL('../../docs/performance/', import.meta.url));
const BEGIN =
  '<!-- Made of what `npm run bench` has measured, by `npm run bench -- --write-docs`. -->';
const END = '<!-- The end of what was made. -->';

/** What a row has left behind. */
interface Report {
  readonly row: string;
  readonly at: string;
  readonly machine: {
    readonly node: string;
    readonly processor: string;
    readonly cores: number;
    readonly memoryMb: number;
  };
  readonly load: number;
  readonly timing: { readonly rounds: number; readonly answers: number };
  readonly short: boolean;
  readonly lines: readonly Line[];
  readonly raw: unknown;
  readonly missing?: string;
}

interface Chapter {
  readonly heading: string;
  /** Beginnings of the names of its rows. */
  readonly rows: readonly string[];
  readonly plots: readonly string[];
}

const chapters: readonly Chapter[] = [
  {
    heading: 'A guarded request',
    rows: ['remembered-', 'new-', 'cookie-', 'opaque-', 'dpop-', 'token-count'],
    plots: ['tokens.svg'],
  },
  {
    heading: 'Beside other guards',
    rows: ['peers-', 'reference'],
    plots: ['peers-express.svg', 'peers-fastify.svg'],
  },
  { heading: 'Forged and hostile requests', rows: ['forged-', 'memory-'], plots: ['memory.svg'] },
  {
    heading: 'Broker mode',
    rows: ['minting', 'refresh-', 'table-size', 'instances'],
    plots: ['sessions.svg'],
  },
  { heading: 'Start-up', rows: ['start-'], plots: [] },
];

function reportsIn(folder: string): ReadonlyMap<string, Report> {
  const all = rows.flatMap(({ name }): [string, Report][] => {
    const file = `${folder}${name}.json`;
    return existsSync(file) ? [[name, JSON.parse(readFileSync(file, 'utf8'))]] : [];
  });
  return new Map(all);
}

/** From the least to the most. */
function range(values: readonly number[]): string {
  const written = [Math.min(...values), Math.max(...values)].map((value) =>
    value.toLocaleString('en'),
  );
  return [...new Set(written)].join(' to ');
}

/** On what, when and how long, and what else the machine did. */
function circumstances(reports: readonly Report[]): string {
  const each = (text: (report: Report) => string): string =>
    [...new Set(reports.map(text))].join('; ');
  const machines = each(
    ({ machine: { node, processor, cores, memoryMb } }) =>
      `Node ${node}, ${cores} cores of ${processor}, ${Math.round(memoryMb / 1000)} GB`,
  );
  const rounds = range(reports.map(({ timing }) => timing.rounds));
  const answers = range(reports.map(({ timing }) => timing.answers));
  const short = reports.filter((report) => report.short).map(({ row }) => `\`${row}\``);
  const load = Math.max(...reports.map((report) => report.load));
  return [
    `Measured on ${machines}, ${each(({ at }) => at.slice(0, 10))}: rounds ${rounds}, answers ${answers}`,
    ...(short.length === 0 ? [] : [`the short form of ${short.join(', ')}`]),
    `the load of the machine before a row ${load < 0.5 ? 'none' : `up to ${Math.ceil(load)}`}.`,
  ].join('; ');
}

function chapterText(
  { heading, rows: begins, plots }: Chapter,
  reports: ReadonlyMap<string, Report>,
  drawn: readonly Plot[],
): string {
  const names = rows
    .map(({ name }) => name)
    .filter((name) => begins.some((one) => name.startsWith(one)));
  const found = names.flatMap((name) => reports.get(name) ?? []);
  const left = names.flatMap((name) => {
    const report = reports.get(name);
    if (report === undefined) return [`- \`${name}\`: not measured.`];
    return report.missing === undefined ? [] : [`- \`${name}\`: ${report.missing}.`];
  });
  const lines = found.flatMap((report) => report.lines);
  const pictures = drawn
    .filter(({ file }) => plots.includes(file))
    .map(({ file, alt }) => `<img src="./performance/${file}" alt="${alt}">`);
  return [
    `### ${heading}`,
    ...(lines.length === 0 ? [] : [table(lines)]),
    ...pictures,
    ...(left.length === 0 ? [] : ['Left out:', left.join('\n')]),
    ...(found.length === 0 ? [] : [circumstances(found)]),
  ].join('\n\n');
}

/** Writes tables and plots of docs/performance.md anew, from what the rows have left behind: no figure is copied by hand. */
export async function writeDocs(results: string, print: (text: string) => void): Promise<void> {
  const reports = reportsIn(results);
  const measured = [...reports].filter(([, { lines }]) => lines.length > 0);
  const plotted: PlottedReports = Object.fromEntries(measured);
  const plots = plotsOf(plotted);
  const made = chapters.map((chapter) => chapterText(chapter, reports, plots)).join('\n\n');
  const page = readFileSync(PAGE, 'utf8');
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`The marks are not in ${PAGE}: ${BEGIN} … ${END}`);
  const text = `${page.slice(0, from + BEGIN.length)}\n\n${made}\n\n${page.slice(to)}`;
  const config = await resolveConfig(PAGE);
  writeFileSync(PAGE, await format(text, { ...config, parser: 'markdown' }));
  mkdirSync(PICTURES, { recursive: true });
  for (const { file, svg } of plots) writeFileSync(`${PICTURES}${file}`, svg);
  print(
    `${PAGE} was written from ${reports.size} of ${rows.length} rows, with ${plots.length} plots`,
  );
}
