import { type KeycloakAdmin, isJson } from './keycloak-admin.js';

const FLOW = 'levels';
const CONDITION = 'conditional-level-of-authentication';

/** A level of authentication: what has to be done for it, and for how many seconds that counts. */
export interface Level {
  readonly level: number;
  readonly authenticator: string;
  readonly maxAgeSec: number;
}

/** Makes a realm's logins climb levels, each a sub-flow with its condition: Keycloak's step-up, as its console would make it. */
export async function makeLevels(
  admin: KeycloakAdmin,
  realm: string,
  levels: readonly Level[],
): Promise<void> {
  const flows = `/${realm}/authentication/flows`;
  const kind = { providerId: 'basic-flow', topLevel: true, builtIn: false };
  await admin.create(flows, { alias: FLOW, ...kind });
  await addExecution(admin, realm, FLOW, 'auth-cookie', 'ALTERNATIVE');
  await addSubFlow(admin, realm, FLOW, 'climb', 'ALTERNATIVE');
  for (const { level, authenticator, maxAgeSec } of levels) {
    const name = `level-${level}`;
    await addSubFlow(admin, realm, 'climb', name, 'CONDITIONAL');
    const condition = await addExecution(admin, realm, name, CONDITION, 'REQUIRED');
    await admin.create(`/${realm}/authentication/executions/${condition}/config`, {
      alias: name,
      config: { 'loa-condition-level': String(level), 'loa-max-age': String(maxAgeSec) },
    });
    await addExecution(admin, realm, name, authenticator, 'REQUIRED');
  }
  await admin.replace(`/${realm}`, { browserFlow: FLOW });
}

async function addSubFlow(
  admin: KeycloakAdmin,
  realm: string,
  parent: string,
  alias: string,
  requirement: string,
): Promise<void> {
  const path = `/${realm}/authentication/flows/${parent}/executions`;
  await admin.create(`${path}/flow`, {
    alias,
    type: 'basic-flow',
    provider: 'registration-page-form',
  });
  await require(admin, path, (one) => one['displayName'] === alias, requirement);
}

async function addExecution(
  admin: KeycloakAdmin,
  realm: string,
  parent: string,
  provider: string,
  requirement: string,
): Promise<string> {
  const path = `/${realm}/authentication/flows/${parent}/executions`;
  await admin.create(`${path}/execution`, { provider });
  return require(admin, path, (one) => one['providerId'] === provider, requirement);
}

/** A new execution is switched off. */
async function require(
  admin: KeycloakAdmin,
  path: string,
  is: (execution: Readonly<Record<string, unknown>>) => boolean,
  requirement: string,
): Promise<string> {
  const execution = (await admin.list(path)).findLast((one) => isJson(one) && is(one));
  if (execution === undefined) throw new Error(`Nothing of the kind at ${path}`);
  await admin.replace(path, { ...execution, requirement });
  return String(execution['id']);
}
