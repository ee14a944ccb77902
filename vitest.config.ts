import { defineConfig } from 'vitest/config';

// These need a process of their own: they look at all its memory, or at each turn of its event loop; and the simulation, in CI as long as a hundred other
// files, would keep those of its process waiting.
const apart = [
  'test/e2e/load-memory.e2e-spec.ts',
  'test/e2e/load-event-loop.e2e-spec.ts',
  'test/simulation/**/*.spec.ts',
];

export default defineConfig({
  test: {
    setupFiles: ['reflect-metadata', './test/support/setup.ts'],
    // They end what hangs. A busy machine reaches neither.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { interval: 5, timeout: 30_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'behaviour',
          include: [
            'test/{support,structure,unit,readme,store}/**/*.spec.ts',
            'test/e2e/**/*.e2e-spec.ts',
          ],
          exclude: apart,
          maxWorkers: 2,
          isolate: false, // loading Nest for each file would cost more than the tests; setup.ts clears up after each
        },
      },
      {
        extends: true,
        test: {
          name: 'apart',
          include: apart,
          maxWorkers: 2,
        },
      },
    ],
  },
});
