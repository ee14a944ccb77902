import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const inTree = (path: string) => fileURLToPath(new URL('.', import.meta.url)) + path.slice(2);

export default defineConfig({
  resolve: {
    // The samples as they are in the tree, without a build.
    alias: [
      { find: 'nestjs-oidc-auth/browser', replacement: inTree('./lib/browser/index.ts') },
      { find: 'nestjs-oidc-auth', replacement: inTree('./lib/index.ts') },
      { find: /^quickstart\/(.*)\.js$/, replacement: inTree('./sample/quickstart/src/$1.ts') },
    ],
  },
  test: {
    include: ['test/browser/**/*.spec.ts'],
    setupFiles: ['reflect-metadata'],
    isolate: false, // loading Nest for each file would cost seconds
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
