import { describe, expect, it } from 'vitest';

import { OidcEvents } from '../../../lib/events/oidc-events.js';
import { ClockWatch } from '../../../lib/sessions/clock-watch.js';
import { isGraced } from '../../../lib/sessions/grace-time.js';
import { FakeClock } from '../../support/fake-clock.js';

const NOW = 1_000_000_000;

/** By how many seconds other clocks are told to be ahead, when rows bear these times, in ms from now. */
function told(
  rowsMs: readonly number[],
  { toleranceSec = 5, notBeforeMs }: { toleranceSec?: number; notBeforeMs?: number } = {},
): number[] {
  const events = new OidcEvents(new FakeClock());
  const seen: number[] = [];
  events.on('clocks-differ', ({ aheadSec }) => void seen.push(aheadSec));
  new ClockWatch(events, toleranceSec).saw(
    rowsMs.map((ms) => new Date(NOW + ms)),
    {
      now: new Date(NOW),
      notBefore: notBeforeMs === undefined ? undefined : new Date(NOW + notBeforeMs),
    },
  );
  return seen;
}

describe('the clock of another instance', () => {
  it.each<[rowsMs: number[], told: number[]]>([
    [[], []],
    [[0], []],
    [[5000], []],
    [[5001], [5]],
    [[7600], [8]],
    [[100, 60_000, 9000], [60]],
    [[86_400_000], [86_400]],
    [[-86_400_000], []],
  ])('fault 13: is ahead, by rows at %j ms from now: %j', (rowsMs, expected) => {
    expect(told(rowsMs)).toEqual(expected);
  });

  it.each<[rowsMs: number[], told: number[]]>([
    [[0], []],
    [[-45_000], []],
    [[-45_001], [-35]],
    [[-70_400, 0], [-60]],
    [[0, -70_400, -50_000], [-60]],
    [
      [6000, -80_000],
      [6, -70],
    ],
  ])(
    'fault 13: is behind, by rows at %j ms that were not there 10 s ago: %j',
    (rowsMs, expected) => {
      expect(told(rowsMs, { notBeforeMs: -10_000 })).toEqual(expected);
    },
  );

  it('fault 13: may differ by the tolerance, and always by five seconds', () => {
    expect(told([30_000], { toleranceSec: 30 })).toEqual([]);
    expect(told([30_001], { toleranceSec: 30 })).toEqual([30]);
    expect(told([5000], { toleranceSec: 0 })).toEqual([]);
    expect(told([5001], { toleranceSec: 0 })).toEqual([5]);
    expect(told([-60_000], { toleranceSec: 30, notBeforeMs: 0 })).toEqual([]);
    expect(told([-60_001], { toleranceSec: 30, notBeforeMs: 0 })).toEqual([-60]);
  });
});

describe('the grace time of a replaced refresh token', () => {
  it.each<[ageMs: number, graceSec: number, isGraced: boolean]>([
    [0, 30, true],
    [29_999, 30, true],
    [30_000, 30, false],
    [-10_000, 30, true],
    [-10_001, 30, false],
    [0, 0, false],
    [-5000, 0, false],
    [1, 0.001, false],
    [0, 0.001, true],
  ])('RF-3: replaced %i ms ago, %d s of grace: %s', (ageMs, graceSec, expected) => {
    const replaced = { generation: 1, at: new Date(NOW - ageMs) };

    expect(isGraced(replaced, new Date(NOW), graceSec)).toBe(expected);
  });
});
