import { OidcConfigError } from '../errors/oidc-config.error.js';
import type { BrokerStore } from '../contract/broker-store.js';
import { MemoryBrokerStore } from './memory-broker.store.js';
import { defaultSqliteFile, sqliteFileOf } from './sqlite-file.js';
import { packagesMissing } from './store-errors.js';
import { didYouMean } from '../options/unknown-option.js';

/** What a store that is opened by URL is told. */
export interface StoreOpening {
  readonly appName: string;
  readonly onWarning: (warning: string) => void;
}

const KNOWN =
  'Known: memory://, sqlite:///path, postgres://…, mysql://…, mariadb://…, mongodb://…, mongodb+srv://…';

/** Kinds by the schemes that people write. */
const KINDS: ReadonlyMap<string, string> = new Map([
  ['memory', 'memory'],
  ['sqlite', 'sqlite'],
  ['sqlite3', 'sqlite'],
  ['postgres', 'postgres'],
  ['postgresql', 'postgres'],
  ['mysql', 'mysql'],
  ['mariadb', 'mariadb'],
  ['mongodb', 'mongodb'],
  ['mongodb+srv', 'mongodb+srv'],
]);

/**
 * A URL under the scheme that is ours. The driver that SQLAlchemy wants behind it (`postgresql+asyncpg`) is taken away: which one
 * serves is decided here.
 *
 * @throws {@link OidcConfigError} for an unknown scheme, and for a text that is no URL.
 */
function read(given: string): { readonly kind: string; readonly url: string } {
  const [, scheme = '', rest = ''] = /^([a-z][a-z0-9+._-]*):(.*)$/is.exec(given.trim()) ?? [];
  const written = scheme.toLowerCase();
  const [bare = ''] = written.split('+');
  const kind = KINDS.get(written) ?? KINDS.get(bare);
  if (kind !== undefined) return { kind: kind.replace('+srv', ''), url: `${kind}:${rest}` };
  throw new OidcConfigError(
    scheme === ''
      ? `Option "broker.store" is no URL. ${KNOWN}. For a file write sqlite:// before its path.`
      : `Option "broker.store" is a URL of the unknown kind "${bare.slice(0, 20)}"${didYouMean(bare, KINDS.keys())} ${KNOWN}.`,
  );
}

/** Loads an adapter, and with it the packages that it needs; a host that does not use it never does. */
async function loaded<T>(kind: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') throw error;
    throw packagesMissing(kind);
  }
}

/**
 * The store that a URL stands for; it connects when it is opened, and makes its tables then. Without a URL: a SQLite file in the
 * platform's data directory.
 *
 * @throws {@link OidcConfigError} for a URL of an unknown kind, or when its packages are not installed. Never shows the URL.
 */
export async function openStoreByUrl(
  given: string | undefined,
  opening: StoreOpening,
): Promise<BrokerStore> {
  if (given === undefined) {
    const file = defaultSqliteFile(opening.appName);
    opening.onWarning(
      `"broker.store" is not set: sessions are kept in ${file}, which is for one instance only`,
    );
    const { openSqlite } = await loaded('sqlite', () => import('./typeorm/open-sqlite.js'));
    return openSqlite(file, opening.onWarning);
  }
  const { kind, url } = read(given);
  switch (kind) {
    case 'sqlite': {
      const file = sqliteFileOf(url);
      const { openSqlite } = await loaded(kind, () => import('./typeorm/open-sqlite.js'));
      return openSqlite(file, opening.onWarning);
    }
    case 'postgres':
    case 'mysql':
    case 'mariadb': {
      const { openServer } = await loaded(kind, () => import('./typeorm/open-server.js'));
      return openServer(kind, url);
    }
    case 'mongodb': {
      const { openMongoose } = await loaded(kind, () => import('./mongoose/open-mongoose.js'));
      return openMongoose(url);
    }
    default:
      return new MemoryBrokerStore();
  }
}
