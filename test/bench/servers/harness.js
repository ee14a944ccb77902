// What every server of the benchmarks does: it is told what to be, says where it listens, and what it has used when it is asked.
import { writeFile } from 'node:fs/promises';
import { Session } from 'node:inspector/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What the benchmark wants this server to be: see `Settings` in served.ts. */
export const settings = JSON.parse(process.env.BENCH_SETTINGS ?? '{}');

/** Without its decorators a class is plain JavaScript; these are put on as TypeScript does it. */
export function decorate(decorators, target, name) {
  const descriptor = Object.getOwnPropertyDescriptor(target, name);
  for (const decorator of decorators.toReversed()) decorator(target, name, descriptor);
}

/** `GET /me` answers with the subject; who that is, the parameter decorator says. */
export function apiController({ Controller, Get, UseGuards }, { guards = [], parameter }) {
  class Api {
    me(claims) {
      return { sub: claims?.sub ?? 'nobody' };
    }
  }
  if (parameter !== undefined) parameter(Api.prototype, 'me', 0);
  decorate([Get('me'), ...guards.map((guard) => UseGuards(guard))], Api.prototype, 'me');
  Controller()(Api);
  return Api;
}

export function moduleOf({ Module }, metadata) {
  class App {}
  Module(metadata)(App);
  return App;
}

/** Starts an application of Nest on the adapter that is asked for, and tells the benchmark. */
export async function listen(App, { NestFactory, ExpressAdapter, FastifyAdapter }, prepare) {
  const adapter = settings.adapter === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
  const app = await NestFactory.create(App, adapter, { logger: ['error', 'warn'] });
  await prepare?.(app);
  await app.listen(0, '127.0.0.1');
  ready(app.getHttpServer().address().port);
  return app;
}

let profiler;

/** The first time it starts the profiler, the second time it writes what was seen. */
async function toggleProfiler(file) {
  if (profiler === undefined) {
    profiler = new Session();
    profiler.connect();
    await profiler.post('Profiler.enable');
    await profiler.post('Profiler.setSamplingInterval', { interval: 100 });
    await profiler.post('Profiler.start');
    return;
  }
  const { profile } = await profiler.post('Profiler.stop');
  await writeFile(file, JSON.stringify(profile));
}

let more = () => ({});

/** What this server says of itself beside processor time and memory. */
export function tellMore(tell) {
  more = tell;
}

const collect = () => {
  setFlagsFromString('--expose_gc');
  const gc = runInNewContext('gc');
  for (let times = 0; times < 4; times += 1) gc();
};

export function ready(port, extra = {}) {
  process.on('disconnect', () => process.exit(0));
  process.on('message', ({ profile, settled }) => {
    const { user, system } = process.cpuUsage();
    if (settled === true) collect();
    const { rss, heapUsed } = process.memoryUsage();
    const said = {
      cpuMs: (user + system) / 1000,
      rssMb: rss / 1e6,
      heapMb: heapUsed / 1e6,
      ...more(),
    };
    if (profile === undefined) process.send(said);
    else void toggleProfiler(profile).then(() => process.send(said));
  });
  process.send({ port, ...extra });
}
