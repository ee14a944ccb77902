import { describe, expect, it } from 'vitest';

import { released, sectionOf } from '../../../scripts/release/changelog.js';
import { unfilledFields, unfilledTexts } from '../../../scripts/release/placeholders.js';
import { nextVersion } from '../../../scripts/release/version.js';

describe('the next version', () => {
  it.each([
    ['0.1.0', 'minor', '0.2.0'],
    ['0.1.9', 'patch', '0.1.10'],
    ['0.9.3', 'major', '1.0.0'],
    ['0.1.0', '1.0.0', '1.0.0'],
    ['1.2.3', '1.2.10', '1.2.10'],
  ])('of %s by %s is %s', (current, wish, next) => {
    expect(nextVersion(current, wish)).toBe(next);
  });

  it.each(['0.1.0', '0.0.9', '0.1', 'v1.0.0', '1.0.0-beta', '', 'huge'])(
    'is nothing else: "%s"',
    (wish) => {
      expect(() => nextVersion('0.1.0', wish)).toThrow(wish === '' ? 'got ""' : wish);
    },
  );
});

describe('the changelog', () => {
  const changelog = '# Changelog\n\n## Unreleased\n\n- new\n\n## 0.1.0 (2026-01-01)\n\n- old\n';

  it('gives what was unreleased a heading of its own', () => {
    expect(released(changelog, '0.2.0', '2026-02-03')).toBe(
      '# Changelog\n\n## Unreleased\n\n## 0.2.0 (2026-02-03)\n\n- new\n\n## 0.1.0 (2026-01-01)\n\n- old\n',
    );
  });

  it('tells sections apart', () => {
    expect(sectionOf(changelog, 'Unreleased')).toBe('- new');
    expect(sectionOf(changelog, '0.1.0 ')).toBe('- old');
    expect(sectionOf(changelog, '0.1 ')).toBeUndefined();
    expect(sectionOf('## Unreleased\n- a', 'Unreleased')).toBe('- a');
  });

  it('must say something, and not twice of one version', () => {
    expect(() => released(changelog.replace('- new', ''), '0.2.0', 'today')).toThrow('Unreleased');
    expect(() => released('# Changelog\n', '0.2.0', 'today')).toThrow('Unreleased');
    expect(() => released(changelog, '0.1.0', 'today')).toThrow('0.1.0');
  });
});

describe('placeholders', () => {
  const filled = {
    repository: { type: 'git', url: 'git+https://example.org/a.git' },
    homepage: 'https://example.org',
    bugs: { url: 'https://example.org/bugs' },
    author: 'Somebody',
  };

  it('are missing fields, and those that name the owner so; funding may be missing', () => {
    expect(unfilledFields(filled)).toEqual([]);
    expect(unfilledFields({})).toEqual(['repository', 'homepage', 'bugs', 'author']);
    expect(unfilledFields({ ...filled, author: '' })).toEqual(['author']);
    expect(unfilledFields({ ...filled, funding: 'https://example.org/OWNER' })).toEqual([
      'funding',
    ]);
    expect(unfilledFields({ ...filled, repository: { url: 'x/OWNER/y' } })).toEqual(['repository']);
  });

  it('are found in texts', () => {
    expect(unfilledTexts({ 'a.md': 'write to OWNER@example.org', 'b.md': 'the owner' })).toEqual([
      'a.md',
    ]);
  });
});
