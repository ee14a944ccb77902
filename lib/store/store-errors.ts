import { OidcConfigError } from '../errors/oidc-config.error.js';

/** Packages that a kind of URL needs, for the message when they are not there. */
const NEEDED: Readonly<Record<string, string>> = {
  sqlite: 'typeorm better-sqlite3',
  postgres: 'typeorm pg',
  mysql: 'typeorm mysql2',
  mariadb: 'typeorm mysql2',
  mongodb: 'mongoose',
};

/** A URL whose parts cannot be told apart; it is not shown, because its password may be anywhere in it. */
export function unreadable(kind: string): OidcConfigError {
  return new OidcConfigError(
    `Option "broker.store" is a ${kind} URL that cannot be read. Percent-encode what is special in its user name and password ` +
      '(: / ? # [ ] @ %), and look at its hosts, ports and options.',
  );
}

/** A URL that leaves the database to chance. */
export function databaseMissing(kind: string): OidcConfigError {
  return new OidcConfigError(
    `Option "broker.store" is a ${kind} URL without the name of a database. Write it behind the host: ${kind}://host/name.`,
  );
}

/** What to install for a kind of store. */
export function packagesMissing(kind: string): OidcConfigError {
  return new OidcConfigError(
    `Option "broker.store" is a ${kind} URL, which needs packages that are not installed: npm install ${NEEDED[kind] ?? ''}`,
  );
}
