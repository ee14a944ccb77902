import { defineConfig } from 'vitest/config';

// The suites that need database servers, which are started for them where they are installed.
export default defineConfig({
  test: {
    setupFiles: ['reflect-metadata', './test/support/setup.ts'],
    globalSetup: './test/support/services/start-services.ts',
    include: ['test/{store,samples,processes}/**/*.spec.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 1,
  },
});
