import type { Line, Row } from '../row.js';
import { serveNode } from '../served.js';
import { spreadOf } from '../statistics.js';
import { settingsFor } from './remembered.js';

const ALGORITHMS = ['RS256', 'ES256', 'EdDSA'] as const;
const MOST_TIMES = 4000;

interface Cost {
  readonly mintUs: number;
  readonly signUs: number;
}

const mintingRow: Row = {
  name: 'minting',
  title: 'Minting an access token',
  run: async ({ issuer, timing, progress }) => {
    const times = Math.min(MOST_TIMES, timing.answers);
    const raw: Record<string, Cost[]> = {};
    for (let round = 1; round <= timing.rounds; round += 1) {
      for (const algorithm of ALGORITHMS) {
        const settings = { ...settingsFor(issuer, 'fastify', []), algorithm, times };
        const served = await serveNode('servers/minting.js', settings);
        const { said } = served;
        await served.stop();
        const cost = { mintUs: Number(said['mintUs']), signUs: Number(said['signUs']) };
        (raw[algorithm] ??= []).push(cost);
        progress(`round ${round}: ${algorithm} ${JSON.stringify(cost)}`);
      }
    }
    const lines = ALGORITHMS.map((algorithm): Line => ({
      what: `Minting an access token (${algorithm})`,
      against: 'bare signing by jose',
      value: spreadOf((raw[algorithm] ?? []).map(({ mintUs, signUs }) => signUs / mintUs)),
      goal: '≥ 0.9',
    }));
    return { lines, raw };
  },
};

export const mintingRows: readonly Row[] = [mintingRow];
