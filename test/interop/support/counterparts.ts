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

/** The program of Zitadel's example provider. */
export function zitadel(): Counterpart {
  return counterpart('OIDC_TEST_ZITADEL_PROGRAM', "Zitadel's provider library", 'Go');
}

/** The folder of a Keycloak that can be started. */
export function keycloakToStart(): Counterpart {
  return counterpart('OIDC_TEST_KEYCLOAK_HOME', 'A restart of Keycloak', 'Java and Maven');
}
