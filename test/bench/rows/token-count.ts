import type { Line, Row } from '../row.js';
import { serveNode } from '../served.js';
import { type Contestant, ratio, underLoad } from '../under-load.js';
import { bearer, settingsFor } from './remembered.js';

/** The last one is more than are remembered. */
const COUNTS = [10, 100, 1000, 4000, 8000];

const nameOf = (count: number): string => `${count.toLocaleString('en')} tokens`;
const AGAINST = nameOf(100);

const tokenCountRow: Row = {
  name: 'token-count',
  title: 'Guarded GET on fastify, by how many tokens are in use at once (ES256)',
  run: async ({ issuer, timing, progress }) => {
    const most = Math.max(...COUNTS);
    const tokens = await Promise.all(
      Array.from({ length: most }, (_, user) => issuer.quickToken(user)),
    );
    const withSo = (count: number): Contestant => {
      const requests = tokens.slice(0, count).map(bearer);
      return {
        name: nameOf(count),
        start: () => serveNode('servers/oidc-auth.js', settingsFor(issuer, 'fastify', [])),
        requests: () => ({ warmUp: requests, measured: requests }),
      };
    };
    // All have to have come once before it is measured.
    const answers = Math.max(timing.answers, most);
    const rounds = await underLoad(COUNTS.map(withSo), { ...timing, answers }, progress);
    const line = (count: number): Line => ({
      what: `Guarded GET on fastify, ${nameOf(count)} in use`,
      against: AGAINST,
      value: ratio(rounds, nameOf(count), AGAINST),
    });
    return { lines: COUNTS.filter((count) => count !== 100).map(line), raw: rounds };
  },
};

export const tokenCountRows: readonly Row[] = [tokenCountRow];
