import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { serializeCrypto } from './serial-crypto.js';
import { World } from './world.js';

const { SIMULATED_SCHEDULES: wished, SIMULATION_SEED: seeded } = process.env;
/** A few, always the same, unless more are wished for: then others each time. */
const schedules = Number(wished ?? 100);
const first = Number(seeded ?? (wished === undefined ? 1 : Math.floor(Math.random() * 1e9)));

/** Fifty times what one takes: the limit is there for a schedule that never ends, not for a slow machine. */
const MS_A_SCHEDULE = 1000;

beforeEach(() => {
  serializeCrypto();
  for (const level of ['error', 'warn', 'log'] as const) {
    vi.spyOn(Logger.prototype, level).mockReturnValue(undefined);
  }
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

/** What a schedule is for: none of it may be missing from very many. */
const HAPPENINGS: readonly RegExp[] = [
  /begins at/,
  /refreshes \d+ at .*: 200/,
  /refreshes \d+ at .*: 400/,
  /refreshes \d+ at .*: 503/,
  /provider's token at .*: 200/,
  /is to end at .*: 1/,
  /all of .* are to end at .*: 1/,
  /a signing key is retired at .*: 200/,
  /freezes/,
  /is killed/,
  /the database is away/,
  /the provider sees a used token/,
  /ended: provider-ended-it/,
  /ended: refresh-token-reused/,
];
const ENOUGH = 100;

describe('refresh among instances that freeze and die, with a store and a provider that are late or fail', () => {
  it(
    `RF-4: ends nobody's session that no fault explains, in ${schedules} schedules from seed ${first}`,
    { timeout: 120_000 + schedules * MS_A_SCHEDULE },
    async () => {
      const violations = new Map<number, string>();
      const missing = new Set(HAPPENINGS);
      for (let seed = first; seed < first + schedules; seed += 1) {
        const { mood, violation, trace } = await new World(seed).run();
        if (violation !== undefined) violations.set(seed, [violation, mood, ...trace].join('\n'));
        for (const one of missing) if (trace.some((line) => one.test(line))) missing.delete(one);
      }

      for (const [seed, violation] of violations) {
        const seeds = [...violations.keys()].join(' ');
        expect.fail(`SIMULATION_SEED=${seed} SIMULATED_SCHEDULES=1: ${violation}\nseeds: ${seeds}`);
      }
      expect(schedules < ENOUGH ? [] : [...missing]).toEqual([]);
    },
  );

  it('is the same story for the same seed', async () => {
    for (let seed = first; seed < first + 10; seed += 1) {
      const [one, other] = [await new World(seed).run(), await new World(seed).run()];
      expect(one.trace).toEqual(other.trace);
    }
  });
});
