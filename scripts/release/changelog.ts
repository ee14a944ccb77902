const UNRELEASED = '## Unreleased';

/** What stands below a heading of the second level, without the heading. */
export function sectionOf(changelog: string, heading: string): string | undefined {
  const begin = `\n${changelog}`.indexOf(`\n## ${heading}`);
  if (begin < 0) return undefined;
  const [, ...lines] = changelog.slice(begin).split('\n');
  const end = lines.findIndex((line) => line.startsWith('## '));
  return lines
    .slice(0, end < 0 ? undefined : end)
    .join('\n')
    .trim();
}

/**
 * The changelog with what was unreleased under the version's own heading.
 *
 * @throws Error when nothing was written under "Unreleased", or the version is there already.
 */
export function released(changelog: string, version: string, day: string): string {
  const text = sectionOf(changelog, 'Unreleased');
  if (text === undefined || text === '') {
    throw new Error(
      `CHANGELOG.md says nothing under "${UNRELEASED}": what changed for those who use it?`,
    );
  }
  if (sectionOf(changelog, `${version} `) !== undefined) {
    throw new Error(`CHANGELOG.md has a section for ${version} already`);
  }
  return changelog.replace(UNRELEASED, `${UNRELEASED}\n\n## ${version} (${day})`);
}
