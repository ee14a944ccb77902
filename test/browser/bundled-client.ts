import { join } from 'node:path';

import { rolldown } from 'rolldown';

/** `nestjs-oidc-auth/browser` as a page loads it: one file. */
export async function bundledClient(): Promise<string> {
  const input = join(import.meta.dirname, '../../lib/browser/index.ts');
  const bundle = await rolldown({ input, platform: 'browser' });
  const { output } = await bundle.generate({ format: 'esm', minify: true });
  return output[0].code;
}
