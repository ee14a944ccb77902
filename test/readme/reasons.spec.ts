import { readdirSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { findingKinds } from '../../lib/diagnosis/finding.js';
import { TROUBLESHOOTING_ANCHORS } from '../../lib/errors/page-anchors.js';
import { anchorOf, eventLink, findingLink, refusalLink } from '../../lib/errors/page-link.js';
import { TsDoc } from '../../scripts/docs/tsdoc.js';
import { linkFaults } from '../support/page-links.js';
import { textOf } from './documents.js';

/** The rooms that refuse what a caller did; what the provider did wrong has names and codes of its own. */
const rooms = readdirSync('lib', { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== 'providers')
  .map(({ name }) => name);
const named = /(?:new Reason|invalidToken|invalidGrant)\(\s*(['`])((?:(?!\1).)+)\1([^;]*);/g;

interface NamedReason {
  readonly name: string;
  /** What stands behind the name in the code. */
  readonly rest: string;
}

async function namedReasonsIn(room: string): Promise<NamedReason[]> {
  const files = await readdir(join('lib', room), { recursive: true });
  const sources = await Promise.all(
    files
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFile(join('lib', room, name), 'utf8')),
  );
  return sources.flatMap((source) =>
    [...source.matchAll(named)].map(([, , name = '', rest = '']) => ({ name, rest })),
  );
}

/** Reasons as the code names them, up to where a value begins. */
async function reasonsIn(room: string): Promise<string[]> {
  return (await namedReasonsIn(room)).map(({ name }) => name);
}

/** Each name of the list with the anchors of its line: `claim … is not there`, `#reason-claim-is-not-there`. */
function listedNames(section: string, prefix: string): Map<string, readonly string[]> {
  const names = new Map<string, readonly string[]>();
  for (const line of section.split('\n').filter((text) => text.startsWith('- <a id'))) {
    const outside = line.replace(/`[^`]*`/g, (span) => '`'.repeat(span.length));
    const head = line.slice(0, outside.indexOf(': '));
    const anchors = [...line.matchAll(/<a id="([^"]+)">/g)].map(([, id = '']) => id);
    for (const [, name = ''] of head.matchAll(/`([^`]+)`/g)) names.set(name, anchors);
    expect(
      anchors.every((id) => id.startsWith(prefix)),
      line,
    ).toBe(true);
  }
  return names;
}

/** A name is there as it is; one that holds values when its fixed words are: `claim ${path} ${what}` as `claim …`. */
function isNamed(name: string, listed: readonly string[]): boolean {
  const words = name.split(/\$\{[^}]*\}/).map((part) => part.trim());
  if (words.length === 1) return listed.some((one) => one === name || one.startsWith(`${name}:`));
  const [longest = ''] = words.toSorted((a, b) => b.length - a.length);
  return listed.some((one) => one.includes(longest));
}

describe('the page on troubleshooting', () => {
  const text = textOf('docs/troubleshooting.md');
  const section = (title: string): string =>
    new RegExp(`## ${title}\\n([\\s\\S]*?)(?:\\n## |$)`).exec(text)?.[1] ?? '';
  const reasons = section('What the log says');
  const listed = [...listedNames(reasons, 'reason-').keys()];

  it.each(rooms)('names every reason for which lib/%s refuses', async (room) => {
    const unnamed = (await reasonsIn(room)).filter((name) => !isNamed(name, listed));

    expect(unnamed, 'add them to the list "What the log says"').toEqual([]);
  });

  it('knows reasons at all', async () => {
    expect(await reasonsIn('tokens')).toContain('aud');
    expect(rooms).toEqual(expect.arrayContaining(['grants', 'login', 'sessions']));
  });

  it('has an anchor for every reason that it names', () => {
    const names = listedNames(reasons, 'reason-');
    const without = [...names].filter(
      ([name, anchors]) => !anchors.includes(`reason-${anchorOf(name)}`),
    );

    expect(names.size).toBeGreaterThan(60);
    expect(without).toEqual([]);
  });

  it('has an anchor for every line at start-up and every alarm that it names', () => {
    const names = listedNames(section('At start-up, and alarms'), 'log-');
    const without = [...names].filter(
      ([name, anchors]) => !anchors.includes(`log-${anchorOf(name)}`),
    );

    expect(names.size).toBeGreaterThan(20);
    expect(without).toEqual([]);
  });

  it('has an anchor for every error code', () => {
    const codes = new TsDoc('lib').unionOf('OAuthErrorCode');
    const without = codes.filter((code) => !text.includes(`<a id="error-${code}"></a>`));

    expect(codes).toContain('invalid_grant');
    expect(without).toEqual([]);
  });

  it.each(rooms)('has the anchor that the log names for every reason of lib/%s', async (room) => {
    const anchors: readonly string[] = TROUBLESHOOTING_ANCHORS;
    const without = (await namedReasonsIn(room)).filter(({ name, rest }) => {
      if (name.includes('${')) return !rest.includes('anchor') && !namesThemselves.includes(name);
      return !anchors.includes(`reason-${anchorOf(name)}`) && !rest.includes('anchor');
    });

    expect(without, 'give the name an anchor, or the reason "anchor"').toEqual([]);
  });
});

/** Whose values are names with an anchor each. */
const namesThemselves = ['claim ${claim}', 'proof: ${name}'];

describe('where lines of the log lead to', () => {
  const code = new TsDoc('lib');

  it.each([
    ['code', code.unionOf('OAuthErrorCode').map((error) => refusalLink([`error-${error}`]))],
    ['anchor', TROUBLESHOOTING_ANCHORS.map((anchor) => refusalLink([anchor]))],
    ['event', code.membersOf('OidcEventMap').map(({ name }) => eventLink(name))],
    ['finding', Object.keys(findingKinds).map(findingLink)],
  ])('is there for every %s', (_what, links) => {
    expect(links.length).toBeGreaterThan(20);
    expect(links.flatMap(linkFaults)).toEqual([]);
    expect(linkFaults(`${links[0]}x`)).toHaveLength(1);
  });

  it('is known to the check of every test: a refusal that leads nowhere is found', () => {
    const line = 'WARN [OidcAuth] A.b refused (401 invalid_token): aud';

    expect(linkFaults(line)).toHaveLength(1);
    expect(linkFaults(`${line} (${refusalLink(['reason-aud'])})`)).toEqual([]);
    expect(linkFaults('WARN [OidcAuth] revoke {"provider":"default"}')).toHaveLength(1);
    expect(linkFaults('WARN [Other] A.b refused (401 invalid_token): aud')).toEqual([]);
  });
});
