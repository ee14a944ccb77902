import type { Line, Row } from '../row.js';
import { type Usage, serveNode } from '../served.js';
import { spreadOf } from '../statistics.js';
import { type Adapter, settingsFor } from './remembered.js';

/** What a server has used when it begins to listen. */
async function usageAtStart(
  file: string,
  settings: Parameters<typeof serveNode>[1],
): Promise<Usage> {
  const served = await serveNode(file, settings);
  try {
    return await served.usage();
  } finally {
    await served.stop();
  }
}

function startRow(adapter: Adapter): Row {
  const title = `Import and start-up on ${adapter}`;
  return {
    name: `start-${adapter}`,
    title,
    run: async ({ issuer, timing, progress }) => {
      const settings = settingsFor(issuer, adapter, []);
      const raw: { bare: Usage; ours: Usage }[] = [];
      for (let round = 1; round <= timing.rounds; round += 1) {
        const bare = await usageAtStart('servers/no-guard.js', settings);
        const ours = await usageAtStart('servers/oidc-auth.js', settings);
        raw.push({ bare, ours });
        progress(`round ${round}: ${JSON.stringify({ bare, ours })}`);
      }
      const line = (which: 'cpuMs' | 'rssMb', unit: string, goal: string): Line => ({
        what: `${title}, more than`,
        against: 'a bare Nest application',
        value: spreadOf(raw.map(({ bare, ours }) => ours[which] - bare[which])),
        unit,
        goal,
      });
      return { lines: [line('cpuMs', 'ms', '≤ 100'), line('rssMb', 'MB', '≤ 10')], raw };
    },
  };
}

export const startRows: readonly Row[] = [startRow('express'), startRow('fastify')];
