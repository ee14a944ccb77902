import { createRequire } from 'node:module';

/** Why the SQLite suites cannot run here, or `undefined`: its native driver is compiled where it is installed. */
export function sqliteMissing(): string | undefined {
  try {
    const Database: new (file: string) => { close(): void } = createRequire(import.meta.url)(
      'better-sqlite3',
    );
    new Database(':memory:').close();
    return undefined;
  } catch (error) {
    return `better-sqlite3 is not built here: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`;
  }
}
