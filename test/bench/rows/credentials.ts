import { ProvingClient } from '../../support/dpop.js';
import { Flows, brokerApplication } from '../broker-servers.js';
import type { BenchIssuer } from '../issuer.js';
import type { Line, Row } from '../row.js';
import { type Settings, requestWith, serveNode } from '../served.js';
import { type Contestant, type Rounds, ratio, underLoad } from '../under-load.js';
import { type Adapter, bearer, contestant, settingsFor } from './remembered.js';

const USERS = 100;
const ADAPTERS: readonly Adapter[] = ['express', 'fastify'];
/** Where the application thinks it is: what a proof names. */
const PROVED_URL = 'http://localhost:3000/me';
const PROOFS = 3000;

function line(what: string, rounds: Rounds, against: string, goal?: string): Line {
  const value = ratio(rounds, 'ours', against);
  return { what, against, value, ...(goal !== undefined && { goal }) };
}

/** Sessions of broker mode: the same application, in one process by cookie, in the other by the tokens that it mints. */
function cookieRow(adapter: Adapter): Row {
  const title = `Guarded GET on ${adapter} by session cookie`;
  return {
    name: `cookie-${adapter}`,
    title,
    run: async ({ timing, progress }) => {
      const application = await brokerApplication('memory://', { adapter, session: {} });
      const callers = (name: string, flow: 'browser' | 'login'): Contestant => ({
        name,
        start: () => application.start(),
        requests: async ({ port }) => {
          const flows = new Flows();
          const { held } = await flows.run({ flow, ports: [port], callers: 4, most: USERS });
          await flows.stop();
          const requests = held.map(({ cookie, access = '' }) =>
            cookie === undefined ? bearer(access) : requestWith({ Cookie: cookie }),
          );
          return { warmUp: requests, measured: requests };
        },
      });
      const rounds = await underLoad(
        [callers('bearer token', 'login'), callers('ours', 'browser')],
        timing,
        progress,
      );
      return { lines: [line(title, rounds, 'bearer token', '≥ 0.9')], raw: rounds };
    },
  };
}

function opaqueRow(adapter: Adapter): Row {
  const title = `Guarded GET on ${adapter} with an opaque token seen before`;
  return {
    name: `opaque-${adapter}`,
    title,
    run: async ({ issuer, timing, progress }) => {
      const tokens = await issuer.tokens(USERS);
      const opaque = tokens.map((_, user) => issuer.opaqueToken(user));
      const settings = (sent: readonly string[]): Settings => ({
        ...settingsFor(issuer, adapter, sent),
        options: { introspection: true },
      });
      const rounds = await underLoad(
        [
          contestant('bearer token', 'servers/oidc-auth.js', settings(tokens)),
          contestant('ours', 'servers/oidc-auth.js', settings(opaque)),
        ],
        timing,
        progress,
      );
      return { lines: [line(title, rounds, 'bearer token', '≥ 0.95')], raw: rounds };
    },
  };
}

/** Users with a key each, and requests with proofs of theirs, each of which is good once. */
async function provingUsers(issuer: BenchIssuer): Promise<{
  readonly tokens: readonly string[];
  readonly requests: () => Promise<readonly string[]>;
}> {
  const users = await Promise.all(
    Array.from({ length: USERS }, async (_, user) => {
      const client = await ProvingClient.create();
      return { client, token: await issuer.token(user, { cnf: { jkt: client.jkt } }) };
    }),
  );
  const request = async (at: number): Promise<string> => {
    const user = users[at % USERS];
    if (user === undefined) throw new Error('There are no users');
    const { client, token } = user;
    return requestWith(await client.headers({ method: 'GET', url: PROVED_URL, token }));
  };
  return {
    tokens: users.map(({ token }) => token),
    requests: () => Promise.all(Array.from({ length: PROOFS }, (_, at) => request(at))),
  };
}

function dpopRow(adapter: Adapter): Row {
  const title = `Guarded GET on ${adapter} with a proof of possession (DPoP, ES256)`;
  return {
    name: `dpop-${adapter}`,
    title,
    run: async ({ issuer, timing, progress }) => {
      const { tokens, requests } = await provingUsers(issuer);
      const proving = (name: string, file: string, known: readonly string[]): Contestant => ({
        name,
        start: () => serveNode(file, settingsFor(issuer, adapter, known)),
        requests: async () => ({
          warmUp: await requests(),
          measured: await requests(),
          once: true,
        }),
      });
      const both = 'jose.jwtVerify of proof and token';
      const alone = 'jose.jwtVerify of the proof alone';
      const rounds = await underLoad(
        [
          proving(both, 'servers/jose-proof.js', []),
          proving(alone, 'servers/jose-proof.js', tokens),
          proving('ours', 'servers/oidc-auth.js', []),
        ],
        { ...timing, answers: PROOFS },
        progress,
      );
      return {
        lines: [line(title, rounds, both, '≥ 0.9'), line(title, rounds, alone)],
        raw: rounds,
      };
    },
  };
}

export const credentialRows: readonly Row[] = [
  ...ADAPTERS.map(cookieRow),
  ...ADAPTERS.map(opaqueRow),
  ...ADAPTERS.map(dpopRow),
];
