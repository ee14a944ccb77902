import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';

const lib = join(import.meta.dirname, '../../lib');

/** Everything outside `lib/` that is loaded by importing a file of it, with all that the file imports. */
function loadedBy(file: string, seen = new Set<string>(), found = new Set<string>()): Set<string> {
  if (seen.has(file)) return found;
  seen.add(file);
  const text = readFileSync(file, 'utf8');
  for (const [, target = ''] of text.matchAll(
    /^(?:import|export) (?!type )[^;]*?from '([^']+)';/gm,
  )) {
    if (!target.startsWith('.')) found.add(target);
    else loadedBy(join(dirname(file), target.replace(/\.js$/, '.ts')), seen, found);
  }
  return found;
}

it('importing the package loads no library that is first needed when somebody logs in or brings a token', () => {
  const loaded = loadedBy(join(lib, 'index.ts'));

  expect(loaded).toContain('@nestjs/common');
  expect([...loaded]).not.toContain('openid-client');
  expect([...loaded]).not.toContain('jose');
  expect([...loaded]).not.toContain('@opentelemetry/api');
});
