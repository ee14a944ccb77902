import { hydraProgram } from './hydra-server.js';
import { keycloakHome } from './keycloak-distribution.js';
import { KeycloakServer } from './keycloak-server.js';
import { pythonWithCounterparts } from './python-environment.js';
import { zitadelProgram } from './zitadel-server.js';

let server: KeycloakServer | undefined;

/** Sets a variable that the suites read, unless it is set; without it they say that they are skipped. */
async function provide(
  variable: string,
  prepare: () => Promise<string | undefined>,
): Promise<void> {
  if (process.env[variable]) return;
  const prepared = await prepare();
  if (prepared !== undefined) process.env[variable] = prepared;
}

async function startKeycloak(): Promise<string | undefined> {
  const home = process.env['OIDC_TEST_KEYCLOAK_HOME'];
  if (home === undefined) return undefined;
  server = await KeycloakServer.start(home);
  return server.url;
}

/** None is built where one runs already. */
async function unlessHydraRuns(): Promise<string | undefined> {
  return process.env['OIDC_TEST_HYDRA_URL'] ? undefined : hydraProgram();
}

/** Before the suites: fetches the counterparts that are not here yet, once, and starts Keycloak. */
export async function setup(): Promise<void> {
  const keycloak = async (): Promise<void> => {
    await provide('OIDC_TEST_KEYCLOAK_HOME', keycloakHome);
    await provide('OIDC_TEST_KEYCLOAK_URL', startKeycloak);
  };
  await Promise.all([
    provide('OIDC_TEST_PYTHON', pythonWithCounterparts),
    provide('OIDC_TEST_ZITADEL_PROGRAM', zitadelProgram),
    keycloak(),
    provide('OIDC_TEST_HYDRA_PROGRAM', unlessHydraRuns),
  ]);
}

export async function teardown(): Promise<void> {
  await server?.stop();
}
