import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { beforeAll, describe, expect, it } from 'vitest';

/** The rooms that refuse what a caller did; what the provider did wrong has names and codes of its own. */
const rooms = ['broker', 'grants', 'guard', 'login', 'routes', 'tokens', 'websockets'];
const named = /(?:new Reason|invalidToken|invalidGrant)\(\s*(['`])((?:(?!\1).)+)\1/g;

/** Reasons as the code names them, up to where a value begins. */
async function reasonsIn(room: string): Promise<string[]> {
  const files = await readdir(join('lib', room));
  const sources = await Promise.all(
    files
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFile(join('lib', room, name), 'utf8')),
  );
  return sources.flatMap((source) => [...source.matchAll(named)].map(([, , name = '']) => name));
}

/** A name is there when its fixed words are: `claim ${path} ${what}` as `claim …`, `a ${x}` as `… x`. */
function isNamed(name: string, table: string): boolean {
  const words = name.split(/\$\{[^}]*\}/).map((part) => part.trim());
  const fixed = words.filter((part) => part !== '').toSorted((a, b) => b.length - a.length);
  return fixed[0] === undefined || table.includes(fixed[0]);
}

describe('the section of the README on the log', () => {
  let table = '';

  beforeAll(async () => {
    const readme = await readFile('README.md', 'utf8');
    [, table = ''] = /## What the log says\n([\s\S]*?)\n## /.exec(readme) ?? [];
  });

  it.each(rooms)('names every reason for which lib/%s refuses', async (room) => {
    const unnamed = (await reasonsIn(room)).filter((name) => !isNamed(name, table));

    expect(unnamed, 'add them to the table "What the log says"').toEqual([]);
  });

  it('knows reasons at all', async () => {
    expect(await reasonsIn('tokens')).toContain('aud');
  });
});
