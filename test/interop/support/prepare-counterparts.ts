import { keycloakHome } from './keycloak-distribution.js';
import { pythonWithCounterparts } from './python-environment.js';

async function provide(
  variable: string,
  prepare: () => Promise<string | undefined>,
): Promise<void> {
  if (process.env[variable]) return;
  const prepared = await prepare();
  if (prepared !== undefined) process.env[variable] = prepared; // else its suites say that they are skipped
}

/** Before the suites: fetches the counterparts that are not here yet, which takes about a minute, once. */
export async function setup(): Promise<void> {
  await Promise.all([
    provide('OIDC_TEST_PYTHON', pythonWithCounterparts),
    process.env['OIDC_TEST_KEYCLOAK_URL']
      ? undefined
      : provide('OIDC_TEST_KEYCLOAK_HOME', keycloakHome),
  ]);
}
