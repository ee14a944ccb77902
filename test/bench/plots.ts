import type { Growth } from './rows/memory.js';
import type { Round as TableRound } from './rows/table-size.js';
import { type Bar, type Series, barChart, lineChart } from './plot.js';
import { spreadOf } from './statistics.js';
import type { Rounds } from './under-load.js';

interface Raw<What> {
  readonly raw: What;
}

/** What the rows that are drawn have left behind. */
export interface PlottedReports {
  readonly 'table-size'?: Raw<{ readonly rounds: readonly TableRound[] }>;
  readonly 'memory-tokens'?: Raw<readonly (readonly Growth[])[]>;
  readonly 'memory-hostile'?: Raw<readonly (readonly Growth[])[]>;
  readonly 'token-count'?: Raw<Rounds>;
  readonly 'peers-express'?: Raw<Rounds>;
  readonly 'peers-fastify'?: Raw<Rounds>;
}

/** A picture, and what it says to whom does not see it. */
export interface Plot {
  readonly file: string;
  readonly alt: string;
  readonly svg: string;
}

const middle = (values: readonly number[]): number => spreadOf(values).median;

const COSTS = ['refresh', 'login', 'revocation', 'guard'] as const;

function sessionsPlot(reports: PlottedReports): Plot | undefined {
  const rounds = reports['table-size']?.raw.rounds ?? [];
  const sizes = Object.keys(rounds[0] ?? {}).map(Number);
  const [least] = sizes;
  if (least === undefined) return undefined;
  const series = COSTS.map((cost): Series => {
    const of = (size: number): number => middle(rounds.map((one) => one[size]?.[cost] ?? NaN));
    return {
      name: cost === 'guard' ? 'guarded GET' : cost,
      points: sizes.map((size) => [size, of(size) / of(least)] as const),
    };
  });
  const title = `What it costs beside so many sessions, 1 beside ${least.toLocaleString('en')}`;
  const axes = { x: 'sessions in the table', y: 'cost' };
  return { file: 'sessions.svg', alt: title, svg: lineChart(title, axes, series) };
}

function memoryPlot(reports: PlottedReports): Plot | undefined {
  const kinds = { 'memory-tokens': 'valid tokens', 'memory-hostile': 'hostile inputs' } as const;
  const series = (['memory-tokens', 'memory-hostile'] as const).flatMap((row): Series[] => {
    const name = kinds[row];
    const rounds = reports[row]?.raw ?? [];
    const [first = []] = rounds;
    const points = first.map(({ count }, at): readonly [number, number] => [
      count,
      middle(rounds.map((looks) => looks[at]?.rssMb ?? NaN)),
    ]);
    return points.length === 0 ? [] : [{ name, points }];
  });
  if (series.length === 0) return undefined;
  const title = 'Memory of the process after so many different ones';
  const axes = { x: 'different tokens or inputs', y: 'MB more' };
  return { file: 'memory.svg', alt: title, svg: lineChart(title, axes, series) };
}

function tokensPlot(reports: PlottedReports): Plot | undefined {
  const rounds = reports['token-count']?.raw;
  if (rounds === undefined) return undefined;
  const points = Object.entries(rounds).map(([name, used]): readonly [number, number] => [
    Number(name.replaceAll(/\D/g, '')),
    middle(used),
  ]);
  const title = 'What a guarded GET costs by how many tokens are in use at once (Fastify)';
  const axes = { x: 'tokens', y: 'µs of processor time' };
  const svg = lineChart(title, axes, [{ name: 'a request', points }]);
  return { file: 'tokens.svg', alt: title, svg };
}

function peersPlot(reports: PlottedReports, adapter: 'express' | 'fastify'): Plot | undefined {
  const rounds = reports[`peers-${adapter}`]?.raw;
  if (rounds === undefined) return undefined;
  const bars = Object.entries(rounds).map(([name, used]): Bar => ({
    name,
    value: 1_000_000 / middle(used),
    ours: name === 'this package',
  }));
  const title = `Guarded GETs on ${adapter === 'express' ? 'Express' : 'Fastify'} with a token seen before`;
  const unit = 'requests for a second of the server’s processor time';
  return { file: `peers-${adapter}.svg`, alt: title, svg: barChart(title, unit, bars) };
}

/** What can be drawn of what was measured. */
export function plotsOf(reports: PlottedReports): readonly Plot[] {
  const all = [
    peersPlot(reports, 'express'),
    peersPlot(reports, 'fastify'),
    tokensPlot(reports),
    memoryPlot(reports),
    sessionsPlot(reports),
  ];
  return all.filter((plot) => plot !== undefined);
}
