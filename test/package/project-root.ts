import { fileURLToPath } from 'node:url';

/** The folder of `package.json`, with a slash at its end. */
export const projectRoot = fileURLToPath(new URL('../../', import.meta.url));

/** A command-line tool that is installed with the project. */
export function installedTool(name: 'attw' | 'publint' | 'tsc'): string {
  return `${projectRoot}node_modules/.bin/${name}`;
}
