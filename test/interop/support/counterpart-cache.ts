import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/counterparts/', import.meta.url));

/** For what takes minutes to make: a fresh clone finds it again. */
export const LASTING_CACHE = join(
  process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'),
  'nestjs-oidc-auth-counterparts',
);

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/**
 * A folder that is made once and kept: it appears whole or not at all, also when two runs make it at once.
 *
 * @param name with the version in it, so that a new version is made anew.
 * @param make fills an empty folder.
 */
export async function keptFolder(
  name: string,
  make: (folder: string) => Promise<void>,
  cache = CACHE,
): Promise<string> {
  const kept = join(cache, name);
  if (await exists(kept)) return kept;
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, `${name}.`));
  try {
    await make(folder);
    await rename(folder, kept).catch(async (error: unknown) => {
      if (!(await exists(kept))) throw error; // else another run was faster
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return kept;
}
