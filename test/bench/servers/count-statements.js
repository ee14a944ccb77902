// Counts what is sent to a database, at the drivers: whatever is above them is counted with what it really asks.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const MONGO_HANDSHAKES = new Set(['hello', 'ismaster', 'ping', 'endSessions', 'isMaster']);

let statements = 0;

function counted(target, name, isStatement = () => true) {
  const call = target[name];
  target[name] = function (...given) {
    if (isStatement(...given)) statements += 1;
    return call.apply(this, given);
  };
}

/** From now on; the driver must be of the kind that the store uses. */
export function countStatements(storeUrl) {
  if (storeUrl.startsWith('postgres')) counted(require('pg').Client.prototype, 'query');
  if (storeUrl.startsWith('sqlite')) {
    const Database = require('better-sqlite3');
    const probe = new Database(':memory:');
    const prototype = Object.getPrototypeOf(probe.prepare('SELECT 1'));
    for (const name of ['run', 'get', 'all', 'iterate']) counted(prototype, name);
    probe.close();
  }
  if (storeUrl.startsWith('mongodb')) {
    const { Connection } = require('mongodb/lib/cmap/connection');
    counted(Connection.prototype, 'command', (_, command) => {
      const [name] = Object.keys(command);
      return !MONGO_HANDSHAKES.has(name);
    });
  }
}

export const statementsSoFar = () => statements;
