import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
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

function mistake(problem: string, mend: string): OidcConfigError {
  return new OidcConfigError(`Option "broker.store" is a sqlite URL ${problem}. ${mend}`);
}

/** @throws {@link OidcConfigError} for what is no path, or more than one. */
function pathOf(rest: string): string {
  if (/[?#]/.test(rest)) {
    throw mistake(
      'with something behind its path',
      'It takes no options; in a path write "?" as %3F and "#" as %23.',
    );
  }
  try {
    return decodeURIComponent(rest);
  } catch {
    throw mistake('with a "%" that encodes nothing', 'In a path write "%" as %25.');
  }
}

/** How to write what else such a path may mean. */
function spellings(path: string): string {
  return (
    `For a path from the working directory (${process.cwd()}) write sqlite:///./${path}, for one from your home directory ` +
    `sqlite:///~/${path}, and sqlite:////${path}, with four slashes, for one from the root.`
  );
}

/**
 * The file of a sqlite URL. Three slashes and four begin an absolute path, as URLs and SQLAlchemy have it; `./`, `../` and `~/` behind
 * them mean what they mean in a shell. SQLAlchemy takes three slashes for a relative path, so that one which leads to a place that hardly
 * anybody means is asked back.
 *
 * @throws {@link OidcConfigError} for a path that is none, or may mean two things.
 */
export function sqliteFileOf(url: string): string {
  const rest = pathOf(url.slice(url.indexOf(':') + 1));
  const path = rest.replace(/^\/+/, '');
  if (path === '' || path === ':memory:') {
    throw mistake('without a file', 'Write sqlite:///var/lib/app/x.db; in memory: memory://.');
  }
  if (/^\.{1,2}\//.test(path)) return resolve(path);
  if (path.startsWith('~/')) return join(homedir(), path.slice(2));
  if (/^[A-Za-z]:[\\/]/.test(path)) return path; // a drive of Windows
  const slashes = rest.length - path.length;
  if (slashes > 3) return `/${path}`;
  if (slashes === 2 || slashes === 0) throw mistake('without an absolute path', spellings(path));
  const [top = ''] = path.split('/');
  if (top === path) throw mistake(`for /${path}, in the root directory`, spellings(path));
  if (!existsSync(`/${top}`)) {
    throw mistake(`for /${path}, and there is no directory /${top}`, spellings(path));
  }
  return `/${path}`;
}
