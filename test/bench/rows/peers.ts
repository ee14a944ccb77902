import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { pythonWithCounterparts } from '../../interop/support/python-environment.js';
import { quietPort } from '../../interop/support/quiet-port.js';
import type { Line, Row, Surroundings } from '../row.js';
import { type Settings, requestWith, serveNode, servePython } from '../served.js';
import { type Contestant, type Rounds, ratio, underLoad } from '../under-load.js';
import { type Adapter, bearer, contestant, settingsFor } from './remembered.js';

const OURS = 'this package';
const USERS = 100;

/** They have their own folder and lock file. */
function installPeers(): void {
  const folder = fileURLToPath(new URL('../peers/', import.meta.url));
  if (existsSync(`${folder}node_modules`)) return;
  const npm = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
  execFileSync('npm', npm, { cwd: folder, stdio: 'inherit' });
}

/** It knows sessions by cookie alone. */
function betterAuth(settings: Settings): Contestant {
  return {
    name: 'nestjs-better-auth',
    start: () => serveNode('peers/nestjs-better-auth.js', settings),
    requests: ({ said }) => {
      const requests = [requestWith({ Cookie: String(said['cookie']) })];
      return { warmUp: requests, measured: requests };
    },
  };
}

function peers(settings: Settings): readonly Contestant[] {
  return [
    contestant('jose.jwtVerify in a guard', 'servers/jose-guard.js', settings),
    contestant('@nestjs/passport, passport-jwt', 'peers/passport-jwt.js', settings),
    contestant('nest-keycloak-connect', 'peers/nest-keycloak-connect.js', settings),
    betterAuth(settings),
    ...(settings.adapter === 'express'
      ? [contestant('express-oauth2-jwt-bearer', 'peers/express-oauth2-jwt-bearer.js', settings)]
      : []),
  ];
}

function lines(what: string, rounds: Rounds, goal: string): readonly Line[] {
  return Object.keys(rounds)
    .filter((name) => name !== OURS)
    .map((against) => ({ what, against, value: ratio(rounds, OURS, against), goal }));
}

function peersRow(adapter: Adapter, goal: string): Row {
  const title = `Guarded GET on ${adapter} with a token seen before, and others`;
  return {
    name: `peers-${adapter}`,
    title,
    run: async ({ issuer, timing, progress }) => {
      installPeers();
      const settings = settingsFor(issuer, adapter, await issuer.tokens(USERS));
      const ours = contestant(OURS, 'servers/oidc-auth.js', settings);
      const rounds = await underLoad([ours, ...peers(settings)], timing, progress);
      return { lines: lines(title, rounds, goal), raw: rounds };
    },
  };
}

async function reference({ issuer, timing, progress }: Surroundings): Promise<Rounds> {
  const python = await pythonWithCounterparts();
  if (python === undefined) throw new Error('The reference needs Python 3 with venv');
  const tokens = await issuer.tokens(USERS);
  const settings = settingsFor(issuer, 'express', tokens);
  const requests = { warmUp: tokens.map(bearer), measured: tokens.map(bearer) };
  const ours = (adapter: Adapter): Contestant =>
    contestant(adapter, 'servers/oidc-auth.js', { ...settings, adapter });
  const theirs: Contestant = {
    name: 'py-oidc-auth on FastAPI',
    start: async () =>
      servePython(python, 'peers/fastapi_guard.py', { ...settings, port: await quietPort() }),
    requests: () => requests,
  };
  return underLoad([ours('express'), ours('fastify'), theirs], timing, progress);
}

const referenceRow: Row = {
  name: 'reference',
  title: 'Guarded GET with a token seen before, and the reference',
  run: async (surroundings) => {
    const rounds = await reference(surroundings);
    const line = (adapter: Adapter, goal: string): Line => ({
      what: `Guarded GET on ${adapter} with a token seen before`,
      against: 'py-oidc-auth on FastAPI',
      value: ratio(rounds, adapter, 'py-oidc-auth on FastAPI'),
      goal,
    });
    return { lines: [line('express', '≥ 2'), line('fastify', '≥ 8')], raw: rounds };
  },
};

export const peerRows: readonly Row[] = [
  peersRow('express', '≥ 1.5 of the best'),
  peersRow('fastify', '≥ 3 of the best'),
  referenceRow,
];
