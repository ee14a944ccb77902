import { defineConfig } from 'vitest/config';

// These measure time and memory, and so run by themselves when the others have ended.
const measuring = ['test/e2e/load-*.e2e-spec.ts', 'test/unit/http/unknown-key-flood.spec.ts'];

export default defineConfig({
  test: {
    setupFiles: ['reflect-metadata', './test/support/setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'behaviour',
          include: [
            'test/{support,structure,unit,readme,store,simulation}/**/*.spec.ts',
            'test/e2e/**/*.e2e-spec.ts',
          ],
          exclude: measuring,
          maxWorkers: 2,
          isolate: false, // loading Nest for each file would cost more than the tests; setup.ts clears up after each
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'measured',
          include: measuring,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
