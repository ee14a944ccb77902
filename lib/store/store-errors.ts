import { OidcConfigError } from '../errors/oidc-config.error.js';

/** Packages that a kind of URL needs, for the message when they are not there. */
const NEEDED: Readonly<Record<string, string>> = {
  sqlite: 'typeorm better-sqlite3',
  postgres: 'typeorm pg',
  mysql: 'typeorm mysql2',
  mariadb: 'typeorm mysql2',
  mongodb: 'mongoose',
};

/** What to install for a kind of store. */
export function packagesMissing(kind: string): OidcConfigError {
  return new OidcConfigError(
    `Option "broker.store" is a ${kind} URL, which needs packages that are not installed: npm install ${NEEDED[kind] ?? ''}`,
  );
}
