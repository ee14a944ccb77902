import type { Service } from './child.js';
import { startMariaDb } from './mariadb.js';
import { startMongoDb } from './mongodb.js';
import { startPgBouncer, startPostgres } from './postgres.js';

const started: Service[] = [];

/** Starts a server, unless the environment names one that runs already. */
async function provide(variable: string, start: () => Promise<Service | undefined>): Promise<void> {
  if (process.env[variable]) return;
  const service = await start();
  if (service === undefined) return; // its suites say that they are skipped
  started.push(service);
  process.env[variable] = service.url;
}

/** Before the suites on databases: starts what is installed here. */
export async function setup(): Promise<void> {
  const postgres = async (): Promise<void> => {
    let own: Service | undefined;
    await provide('OIDC_TEST_POSTGRES_URL', async () => (own = await startPostgres()));
    const server = own;
    if (server === undefined) return;
    await provide('OIDC_TEST_PGBOUNCER_URL', () => startPgBouncer(server));
  };
  const starts = await Promise.allSettled([
    postgres(),
    provide('OIDC_TEST_MYSQL_URL', startMariaDb),
    provide('OIDC_TEST_MONGODB_URL', startMongoDb),
  ]);
  const failed = starts.find((start) => start.status === 'rejected');
  if (failed === undefined) return;
  await teardown(); // nobody else ends what did start
  throw failed.reason;
}

/** After them: ends what was started, the proxy before what it stands in front of. */
export async function teardown(): Promise<void> {
  for (const service of started.toReversed()) await service.stop();
}
