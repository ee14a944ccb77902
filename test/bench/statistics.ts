/** The middle of some measurements, and how far apart they are. */
export interface Spread {
  readonly median: number;
  /** A quarter of the measurements is below. */
  readonly lower: number;
  /** A quarter of the measurements is above. */
  readonly upper: number;
}

function at(sorted: readonly number[], share: number): number {
  const position = (sorted.length - 1) * share;
  const below = sorted[Math.floor(position)] ?? NaN;
  const above = sorted[Math.ceil(position)] ?? NaN;
  return below + (above - below) * (position - Math.floor(position));
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((one, other) => one - other);
  return { median: at(sorted, 0.5), lower: at(sorted, 0.25), upper: at(sorted, 0.75) };
}
