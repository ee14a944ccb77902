import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { TestProject } from 'vitest/node';

import { packProject } from './npm.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Path of the packed project. */
    readonly tarball: string;
  }
}

/** Packs the project as publishing does, build included, once for all package tests. */
export default async function packOnce({ provide }: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'oidc-tarball-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true });
  try {
    provide('tarball', await packProject(folder));
  } catch (error) {
    await remove();
    throw error;
  }
  return remove;
}
