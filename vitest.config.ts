import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/{support,unit,e2e,readme}/**/*.spec.ts', 'test/e2e/**/*.e2e-spec.ts'],
    setupFiles: ['reflect-metadata', './test/support/setup.ts'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    maxWorkers: 2,
  },
});
