import { defineConfig } from 'vitest/config';

// The suites against programs that nobody here wrote; they are fetched once and started for the suites.
export default defineConfig({
  test: {
    setupFiles: ['reflect-metadata', './test/support/setup.ts'],
    globalSetup: './test/interop/support/prepare-counterparts.ts',
    include: ['test/interop/**/*.interop.spec.ts'],
    testTimeout: 60_000,
    hookTimeout: 180_000,
    maxWorkers: 2,
  },
});
