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

  it('have no file of more than 250 lines', () => {
    const long = sources
      .filter(({ lines }) => lines > 250)
      .map((one) => `${one.path}: ${one.lines}`);

    expect(long).toStrictEqual([]);
  });
});

/** Whether a file is of one mode alone: its name says so. */
function isOf(mode: 'passthrough' | 'broker', path: string): boolean {
  return path.includes(`/${mode}-`);
}

describe('the two modes', () => {
  /** A question for the mode: whether the options of broker mode are there. */
  const question = /\bbroker\b\s*(?:[!=]==?\s*undefined|\?\.|&&|\|\||\?\?)|['"]broker['"] in /;
  /** What reads or copies options of both modes. */
  const reading = /^(?:options\/|oidc-auth\.module\.ts$|events\/host-functions\.ts$)/;

  it('are told apart in one place', () => {
    const asking = sources
      .filter(({ path }) => !reading.test(path))
      .filter(({ path }) => question.test(readFileSync(join(lib, path), 'utf8')))
      .map(({ path }) => path);

    expect(asking).toStrictEqual(['service/create-mode.ts']);
  });

  it('know nothing of each other', () => {
    const brokerRooms = ['sessions', 'keys', 'federation', 'store'];
    const meetings = sources.flatMap(({ path, imports }) =>
      imports
        .filter((target) =>
          isOf('passthrough', path)
            ? isOf('broker', target) || brokerRooms.includes(roomOf(target))
            : isOf('broker', path) && isOf('passthrough', target),
        )
        .map((target) => `${path} -> ${target}`),
    );

    expect(sources.filter(({ path }) => isOf('passthrough', path)).length).toBeGreaterThan(5);
    expect(meetings).toStrictEqual([]);
  });
});
