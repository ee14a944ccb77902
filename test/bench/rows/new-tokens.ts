import type { Row } from '../row.js';
import { type Settings, serveNode } from '../served.js';
import { type Contestant, ratio, underLoad } from '../under-load.js';
import { type Adapter, bearer, settingsFor } from './remembered.js';

/** Until then the engine is still compiling. */
const WARM_UP = 30_000;
const MEASURED = 12_000;

function eachOnce(
  name: string,
  file: string,
  settings: Settings,
  tokens: readonly string[],
): Contestant {
  const requests = tokens.map(bearer);
  return {
    name,
    start: () => serveNode(file, settings),
    requests: () => ({
      warmUp: requests.slice(0, WARM_UP),
      measured: requests.slice(WARM_UP),
      once: true,
    }),
  };
}

function newTokensRow(adapter: Adapter): Row {
  const title = `Guarded GET on ${adapter}, every token new (RS256)`;
  return {
    name: `new-${adapter}`,
    title,
    run: async ({ issuer, timing, progress }) => {
      const tokens = await issuer.tokens(WARM_UP + MEASURED);
      const settings = settingsFor(issuer, adapter, []);
      const rounds = await underLoad(
        [
          eachOnce('bare jose.jwtVerify', 'servers/jose-handler.js', settings, tokens),
          eachOnce('jose.jwtVerify in a guard', 'servers/jose-guard.js', settings, tokens),
          eachOnce('this package', 'servers/oidc-auth.js', settings, tokens),
        ],
        { ...timing, answers: MEASURED },
        progress,
      );
      const line = (against: string, goal: string) => ({
        what: title,
        against,
        value: ratio(rounds, 'this package', against),
        ...(goal !== '' && { goal }),
      });
      return {
        lines: [line('bare jose.jwtVerify', '≥ 0.95'), line('jose.jwtVerify in a guard', '')],
        raw: rounds,
      };
    },
  };
}

export const newTokenRows: readonly Row[] = [newTokensRow('express'), newTokensRow('fastify')];
