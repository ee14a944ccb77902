import { AUDIENCE, type BenchIssuer, CLIENT_ID, CLIENT_SECRET } from '../issuer.js';
import type { Row } from '../row.js';
import { type Settings, requestWith, serveNode } from '../served.js';
import { type Contestant, ratio, underLoad } from '../under-load.js';

export type Adapter = Settings['adapter'];

/** So many users come again and again. */
const USERS = 100;

export function settingsFor(
  issuer: BenchIssuer,
  adapter: Adapter,
  tokens: readonly string[],
): Settings {
  return {
    adapter,
    issuer: issuer.issuer,
    publicKey: issuer.publicKey,
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    audience: AUDIENCE,
    tokens,
  };
}

export function bearer(token: string): string {
  return requestWith({ Authorization: `Bearer ${token}` });
}

/** A server of Node that is sent the same tokens again and again. */
export function contestant(name: string, file: string, settings: Settings): Contestant {
  const requests = settings.tokens.map(bearer);
  return {
    name,
    start: () => serveNode(file, settings),
    requests: () => ({ warmUp: requests, measured: requests }),
  };
}

const GOALS = { express: ['≥ 0.97', '≥ 0.88'], fastify: ['≥ 0.97', '≥ 0.78'] } as const;

function guardRow(adapter: Adapter): Row {
  const title = `Guarded GET on ${adapter} with a token seen before (RS256)`;
  return {
    name: `remembered-${adapter}`,
    title,
    run: async ({ issuer, timing, progress }) => {
      const settings = settingsFor(issuer, adapter, await issuer.tokens(USERS));
      const rounds = await underLoad(
        [
          contestant('no guard', 'servers/no-guard.js', settings),
          contestant('least guard', 'servers/least-guard.js', settings),
          contestant('this package', 'servers/oidc-auth.js', settings),
        ],
        timing,
        progress,
      );
      const [ofLeast, ofNone] = GOALS[adapter];
      const line = (against: string, goal: string) => ({
        what: title,
        against,
        value: ratio(rounds, 'this package', against),
        goal,
      });
      return { lines: [line('least guard', ofLeast), line('no guard', ofNone)], raw: rounds };
    },
  };
}

export const rememberedRows: readonly Row[] = [guardRow('express'), guardRow('fastify')];
