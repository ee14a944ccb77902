import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { NewProject } from './new-project.js';

describe('a new project of Nest 12: ES modules and Vitest, with nothing configured', () => {
  let project: NewProject;

  beforeAll(async () => {
    project = await NewProject.generate(12, inject('tarball'));
  });

  afterAll(() => project.remove());

  it('type-checks, its tests included', async () => {
    await expect(project.typeCheck()).resolves.toBeUndefined();
  });

  it('passes its own tests', async () => {
    expect(await project.test('test')).toBe(56);
    expect(await project.test('test:e2e')).toBe(4);
  });
});
