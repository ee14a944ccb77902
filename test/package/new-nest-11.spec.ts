import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { NewProject } from './new-project.js';

/** One that `nest new` wrote, four of the controller, and the contract of a store. */
const UNIT_TESTS = 1 + 4 + 51;
const END_TO_END_TESTS = 1 + 3;

describe('a new project of Nest 11: CommonJS and Jest, with nothing configured', () => {
  let project: NewProject;

  beforeAll(async () => {
    project = await NewProject.generate(11, inject('tarball'));
  });

  afterAll(() => project.remove());

  it('type-checks, its tests included', async () => {
    await expect(project.typeCheck()).resolves.toBeUndefined();
  });

  it('passes its own tests with ts-jest', async () => {
    expect(await project.test('test')).toBe(UNIT_TESTS);
    expect(await project.test('test:e2e')).toBe(END_TO_END_TESTS);
  });

  it('passes them installed by pnpm', async () => {
    const installed = await project.withPnpm(inject('tarball'));

    expect(await installed.test('test')).toBe(UNIT_TESTS);
    expect(await installed.test('test:e2e')).toBe(END_TO_END_TESTS);
    await installed.remove();
  });

  it('passes them with @swc/jest', async () => {
    await project.install('@swc/core', '@swc/jest');
    await project.write('.swcrc', swcOptions);
    const transform = { '^.+\\.(t|j)s?$': ['@swc/jest'] };
    await project.edit('package.json', ({ jest, ...others }) => {
      return { ...others, jest: { ...jest, transform } };
    });
    await project.edit('test/jest-e2e.json', (jest) => ({ ...jest, transform }));

    expect(await project.test('test')).toBe(UNIT_TESTS);
    expect(await project.test('test:e2e')).toBe(END_TO_END_TESTS);
  });
});

/** As Nest's documentation of SWC has it. */
const swcOptions = {
  sourceMaps: true,
  jsc: {
    parser: { syntax: 'typescript', decorators: true, dynamicImport: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
    baseUrl: './',
  },
  minify: false,
};
