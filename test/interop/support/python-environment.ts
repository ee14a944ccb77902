import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { keptFolder } from './counterpart-cache.js';

const run = promisify(execFile);

/** The reference implementation of the wire contract, and its client. Their requirements forget `greenlet`. */
const PACKAGES = [
  'py-oidc-auth[fastapi,tornado]==2606.0.0',
  'py-oidc-auth-client==2603.0.1',
  'uvicorn',
  'greenlet',
];

/** The interpreter of a virtual environment with the Python counterparts; `undefined` without Python 3 and venv. */
export async function pythonWithCounterparts(): Promise<string | undefined> {
  const usable = await run('python3', ['-c', 'import venv, ensurepip']).then(
    () => true,
    () => false,
  );
  if (!usable) return undefined;
  const folder = await keptFolder('python-2606.0.0', async (made) => {
    await run('python3', ['-m', 'venv', made]);
    const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
    await run(join(made, 'bin', 'python'), [...install, ...PACKAGES]);
  });
  return join(folder, 'bin', 'python');
}
