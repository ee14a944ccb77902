import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** Where sessions are kept: the module's default, a SQLite file, where its native driver could be built. */
export function chooseStore(): { store: string | undefined; words: string } {
  try {
    const Database: new (file: string) => { close(): void } = require('better-sqlite3');
    new Database(':memory:').close();
    return { store: undefined, words: 'in a SQLite file, so they outlive a restart' };
  } catch {
    const words =
      'in memory, because better-sqlite3 could not be built here: gone with this process';
    return { store: 'memory://', words };
  }
}
