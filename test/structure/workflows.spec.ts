import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const scripts: Record<string, string> = Object(JSON.parse(read('package.json')))['scripts'];

describe.each(['ci', 'publish'])('the workflow "%s"', (name) => {
  const workflow = read(`.github/workflows/${name}.yml`);

  it('runs what everybody runs, on the oldest Node that is supported', () => {
    expect(workflow).toContain('- run: bash .ci/run');
    expect(workflow).toContain('container: node:20-');
  });

  it('calls scripts that there are', () => {
    const called = [...workflow.matchAll(/npm run (\S+)/g)].map(([, script = '']) => script);

    expect(called.length > 0 || name === 'ci').toBe(true);
    expect(called.filter((script) => !(script in scripts))).toEqual([]);
  });

  it('may write nothing, but for the job that says so', () => {
    expect(workflow).toMatch(/^permissions:\n {2}contents: read$/m);
    expect(workflow.match(/: write/g) ?? []).toHaveLength(name === 'publish' ? 2 : 0);
  });
});

describe('what is published', () => {
  it('is of a tag, tested before, and signed where it came from', () => {
    const workflow = read('.github/workflows/publish.yml');

    expect(workflow).toContain("tags: ['v*']");
    expect(workflow).toContain('needs: test');
    expect(workflow).toMatch(/npm publish .* --provenance/);
  });
});
