import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const lib = join(root, 'lib');

interface Source {
  /** Below `lib/`. */
  readonly path: string;
  readonly room: string;
  readonly lines: number;
  readonly imports: readonly string[];
}

const roomOf = (path: string): string => (path.includes('/') ? (path.split('/')[0] ?? '') : 'top');

const sources: readonly Source[] = readdirSync(lib, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => {
    const text = readFileSync(join(lib, path), 'utf8');
    const imports = [...text.matchAll(/(?:from|import)\s*\(?'(\.[^']+)'/g)].map(([, target = '']) =>
      relative(lib, join(lib, dirname(path), target)),
    );
    return { path, room: roomOf(path), lines: text.split('\n').length - 1, imports };
  });

/** The table of CONTRIBUTING.md. */
const levels = new Map(
  [
    ...readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8').matchAll(
      /^\| (\d+) +\| `([a-z]+)\/` +\|/gm,
    ),
  ].map(([, level, room = '']): [string, number] => [room, Number(level)]),
);
levels.set('top', Infinity);

interface LintRule {
  readonly files: readonly string[];
  readonly rules: Record<string, unknown>;
}

function lintRules(): readonly LintRule[] {
  const config: { overrides: LintRule[] } = JSON.parse(
    readFileSync(join(root, '.oxlintrc.json'), 'utf8'),
  );
  return config.overrides;
}

describe('the rooms of lib/', () => {
  it('are those of the map in CONTRIBUTING.md', () => {
    const rooms = [...new Set(sources.map(({ room }) => room))];

    expect(rooms.toSorted()).toStrictEqual([...levels.keys()].toSorted());
  });

  it('import from lower levels only', () => {
    const arrows = sources.flatMap(({ path, room, imports }) =>
      imports
        .filter((target) => roomOf(target) !== room)
        .filter((target) => !((levels.get(roomOf(target)) ?? Infinity) < (levels.get(room) ?? -1)))
        .map((target) => `${path} -> ${target}`),
    );

    expect(arrows).toStrictEqual([]);
  });

  it('are held to it by lint', () => {
    const forbidden = new Map<string, string>();
    for (const { files, rules } of lintRules()) {
      for (const file of files) {
        const room = /^lib\/([a-z]+)\/\*\*$/.exec(file)?.[1];
        if (room !== undefined) forbidden.set(room, JSON.stringify(rules['no-restricted-imports']));
      }
    }
    const missing = [...levels].flatMap(([room, level]) =>
      [...levels]
        .filter(([other, its]) => room !== 'top' && other !== 'top' && its >= level)
        .filter(([other]) => !forbidden.get(room)?.includes(`"../${other}/**"`))
        .map(([other]) => `${room} -> ${other}`),
    );

    expect(missing).toStrictEqual([]);
  });

  it('hold 15 % of the lines at most', () => {
    const all = sources.reduce((sum, { lines }) => sum + lines, 0);
    const large = [...levels.keys()].filter(
      (room) =>
        sources.filter((one) => one.room === room).reduce((sum, { lines }) => sum + lines, 0) >
        all * 0.15,
    );

    expect(large).toStrictEqual([]);
  });
});
