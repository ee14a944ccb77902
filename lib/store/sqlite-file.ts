import { homedir } from 'node:os';
import { join } from 'node:path';
import { OidcConfigError } from '../errors/oidc-config.error.js';

const FILE = 'broker.db';

/** Where applications keep their data on this platform. */
function dataDirectory(platform: NodeJS.Platform, env: NodeJS.ProcessEnv): string {
  if (platform === 'win32') return env['LOCALAPPDATA'] ?? join(homedir(), 'AppData', 'Local');
  if (platform === 'darwin') return join(homedir(), 'Library', 'Application Support');
  const chosen = env['XDG_DATA_HOME'];
  // Relative paths in it are to be ignored (XDG Base Directory Specification).
  return chosen?.startsWith('/') ? chosen : join(homedir(), '.local', 'share');
}

/** The SQLite file of an application that names no store. */
export function defaultSqliteFile(
  appName: string,
  platform: NodeJS.Platform = process.platform,
  env: NodeJS.ProcessEnv = process.env,
): string {
  return join(dataDirectory(platform, env), appName, FILE);
}

/**
 * The file of a `sqlite:///path` URL. Three slashes and four mean the same absolute path.
 *
 * @throws {@link OidcConfigError} for a relative path, which would depend on where the process was started.
 */
export function sqliteFileOf(url: string): string {
  const path = decodeURIComponent(url.slice('sqlite://'.length));
  if (!path.startsWith('/') || /^\/*$/.test(path)) {
    throw new OidcConfigError(
      'Option "broker.store" is a sqlite URL without an absolute path. Write three slashes and the path: sqlite:///var/lib/app/x.db',
    );
  }
  const absolute = path.replace(/^\/+/, '/');
  return /^\/[A-Za-z]:\//.test(absolute) ? absolute.slice(1) : absolute; // a drive of Windows
}
