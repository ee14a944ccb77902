import type { BenchIssuer } from './issuer.js';
import type { Spread } from './statistics.js';
import type { Timing } from './under-load.js';

/** What a row is run with. */
export interface Surroundings {
  readonly issuer: BenchIssuer;
  readonly timing: Timing;
  /** Whether rows of a fixed size do a small part of it, to show that they work. */
  readonly short: boolean;
  /** Whether they do what takes an hour and tens of gigabytes too. */
  readonly largest: boolean;
  readonly progress: (text: string) => void;
}

/** One line of the table. */
export interface Line {
  readonly what: string;
  readonly against: string;
  /** What was compared; `ratio` says what it is. */
  readonly value: Spread;
  /** Unit of the value; a ratio has none. */
  readonly unit?: string;
  /** What it must reach, where there is such a goal. */
  readonly goal?: string;
}

/** What a row found, for the table and for the JSON. */
export interface Finding {
  readonly lines: readonly Line[];
  /** All measurements, by contestant. */
  readonly raw: unknown;
  /** Why there are no lines, or not all: what would be needed is not on this machine, or takes more than it has. */
  readonly missing?: string;
}

export interface Row {
  /** By what it is selected. */
  readonly name: string;
  readonly title: string;
  run(surroundings: Surroundings): Promise<Finding>;
}
