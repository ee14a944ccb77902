import { required } from '../../store/required.js';

/** A counterpart that the suites were told of, and why a suite without it is skipped. */
export interface Counterpart {
  /** Empty when it is missing. */
  readonly at: string;
  readonly skipped: string | undefined;
}

function counterpart(variable: string, what: string, wanted: string): Counterpart {
  const at = process.env[variable] ?? '';
  const reason =
    at === '' ? `${wanted} are not installed here and ${variable} is not set` : undefined;
  return { at, skipped: required(what, reason) };
}

/** The interpreter that has the Python client and the Python peer. */
export function python(): Counterpart {
  return counterpart('OIDC_TEST_PYTHON', 'The Python counterparts', 'Python 3 and venv');
}

/** The address of a Keycloak that runs. */
export function keycloak(): Counterpart {
  return counterpart('OIDC_TEST_KEYCLOAK_URL', 'Keycloak', 'Java and Maven');
}

/** What is built with Go is skipped without it, also where all else must run: the Go of distributions is too old, or missing. */
function builtByGo(at: string, needed: string): Counterpart {
  return { at, skipped: at === '' ? `skipped: ${needed}` : undefined };
}

/** The program of Zitadel's example provider. */
export function zitadel(): Counterpart {
  const { OIDC_TEST_ZITADEL_PROGRAM: at = '' } = process.env;
  return builtByGo(
    at,
    'Go 1.24 or later is not installed here and OIDC_TEST_ZITADEL_PROGRAM is not set',
  );
}

/** Ory Hydra: its program, or the addresses of one that runs. */
export interface HydraCounterpart extends Counterpart {
  /** Empty where the program is to be started. */
  readonly url: string;
  readonly adminUrl: string;
}

export function hydra(): HydraCounterpart {
  const at = process.env['OIDC_TEST_HYDRA_PROGRAM'] ?? '';
  const { OIDC_TEST_HYDRA_URL: url = '', OIDC_TEST_HYDRA_ADMIN_URL: adminUrl = '' } = process.env;
  if (url !== '' && adminUrl !== '') return { at: url, url, adminUrl, skipped: undefined };
  const variables = 'OIDC_TEST_HYDRA_URL and OIDC_TEST_HYDRA_ADMIN_URL';
  const needed = `Go 1.26 or later is not installed here and ${variables} are not set`;
  return { ...builtByGo(at, needed), url: '', adminUrl };
}

/** The folder of a Keycloak that can be started. */
export function keycloakToStart(): Counterpart {
  return counterpart('OIDC_TEST_KEYCLOAK_HOME', 'A restart of Keycloak', 'Java and Maven');
}
