import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { rolldown } from 'rolldown';
import { describe, expect, it } from 'vitest';

const folder = join(import.meta.dirname, '../../../lib/browser');

describe('what a page imports', () => {
  it('is less than 2 kB, minified and compressed', async () => {
    const bundle = await rolldown({ input: join(folder, 'index.ts'), platform: 'browser' });
    const { output } = await bundle.generate({ format: 'esm', minify: true });

    expect(output).toHaveLength(1);
    expect(gzipSync(output[0].code).byteLength).toBeLessThan(2000);
    expect(output[0].imports).toEqual([]);
  });

  it('needs nothing of anybody: types alone come from elsewhere', () => {
    for (const file of readdirSync(folder)) {
      const text = readFileSync(join(folder, file), 'utf8');
      expect(text.match(/^(?:import|export) (?!type)[^;]*from/gm)).toBeNull();
    }
  });
});
