import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/package/*.spec.ts'],
    globalSetup: './test/package/pack-once.ts',
    testTimeout: 300_000,
    hookTimeout: 300_000,
    maxWorkers: 2,
  },
});
