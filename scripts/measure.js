// What docs/performance.md says was measured: `npm run build && npm run measure`. Processor time, which another busy program does not make longer.
import { execFileSync } from 'node:child_process';

const ROUNDS = 7;

/** Runs in a process of its own, and prints a number. */
const programs = {
  'Nest alone, imported, ms': importing(''),
  'with this module, imported, ms': importing("await import('nestjs-oidc-auth');"),
  'Nest alone, start to listening, ms': `
    await import('reflect-metadata');
    const { NestFactory } = await import('@nestjs/core');
    const { Module } = await import('@nestjs/common');
    class App {}
    Module({})(App);
    const app = await NestFactory.create(App, { logger: false });
    await app.listen(0);
    print(processorMs());
    await app.close();`,
  'with this module, passthrough mode, ms': application(''),
  'with this module, broker mode in memory, ms': application(
    "broker: { audience: 'api', store: 'memory://', signingAlgorithm: 'ES256' },",
  ),
  'Nest alone, memory after start, MB': `
    await import('reflect-metadata');
    const { NestFactory } = await import('@nestjs/core');
    const { Module } = await import('@nestjs/common');
    class App {}
    Module({})(App);
    const app = await NestFactory.create(App, { logger: false });
    await app.listen(0);
    gc();
    print(process.memoryUsage().rss / 1e6);
    await app.close();`,
  'with this module, passthrough mode, MB': application(
    '',
    'gc(); print(process.memoryUsage().rss / 1e6);',
  ),
  'verifying a token for the first time (RS256), µs': application('', verifying(300, true)),
  'verifying a token that is remembered, µs': application('', verifying(20000, false)),
};

/** What a start costs before anything is made. */
function importing(further) {
  return `
    await import('reflect-metadata');
    await import('@nestjs/core');
    await import('@nestjs/common');
    ${further}
    print(processorMs());`;
}

function application(options, then = 'print(processorMs());') {
  return `
    await import('reflect-metadata');
    const { NestFactory } = await import('@nestjs/core');
    const { Module } = await import('@nestjs/common');
    const { OidcAuthModule, OidcService } = await import('nestjs-oidc-auth');
    class App {}
    Module({ imports: [OidcAuthModule.forRoot({
      clientId: 'test-client', clientSecret: 'client-secret-of-the-test-issuer-40-long', audience: 'test-api',
      discoveryUrl: process.env.DISCOVERY_URL ?? 'https://idp.example.org', publicUrl: 'http://localhost:3000', ${options}
    })] })(App);
    const app = await NestFactory.create(App, { logger: false });
    await app.listen(0);
    ${then}
    await app.close();`;
}

function verifying(times, fresh) {
  return `
    const { TestIssuer } = await import('nestjs-oidc-auth/testing');
    const issuer = await TestIssuer.start();
    await app.close();
    class Other {}
    Module({ imports: [OidcAuthModule.forRoot({ ...issuer.options, publicUrl: 'http://localhost:3000' })] })(Other);
    const other = await NestFactory.create(Other, { logger: false });
    await other.init();
    const oidc = other.get(OidcService);
    const tokens = [];
    for (let at = 0; at < (${fresh} ? ${times} + 50 : 1); at += 1) tokens.push(await issuer.token({ sub: 'user-' + at, roles: ['staff'] }));
    for (let at = 0; at < 50; at += 1) await oidc.verify(tokens[at] ?? tokens[0]);
    const before = process.cpuUsage();
    for (let at = 0; at < ${times}; at += 1) await oidc.verify(tokens[at + 50] ?? tokens[0]);
    const { user, system } = process.cpuUsage(before);
    print((user + system) / ${times});
    await other.close();
    await issuer.close();
    process.exit(0);`;
}

const prelude = `
  const print = (value) => process.stdout.write(String(value));
  const processorMs = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000; };`;

const run = (program) =>
  Number(
    execFileSync(
      process.execPath,
      ['--expose-gc', '--input-type=module', '--eval', prelude + program],
      { encoding: 'utf8' },
    ),
  );

// Round by round, so that what else the machine does falls on all of them alike.
const rounds = Array.from({ length: ROUNDS }, () => Object.values(programs).map(run));
for (const [at, what] of Object.keys(programs).entries()) {
  const values = rounds.map((round) => round[at]).toSorted((one, other) => one - other);
  process.stdout.write(`${what}: ${values[Math.floor(ROUNDS / 2)]?.toFixed(1)}\n`);
}
