import { posix } from 'node:path';

import { githubSlug } from '../../scripts/docs/github-slug.js';

/** What a document looks like where there is no link: fences and code spans say nothing. */
function withoutCode(markdown: string): string {
  return markdown
    .replace(/^(\s*)(```+|~~~+)[\s\S]*?^\s*\2\s*$/gm, '')
    .replace(/(`+)[\s\S]*?\1/g, (span) => span.replace(/[[\]<>]/g, ' '));
}

/** The anchors of a document: of its headings, as GitHub makes them, and those that stand in it. */
export function anchorsOf(markdown: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  const seen = new Map<string, number>();
  const text = markdown.replace(/^(\s*)(```+|~~~+)[\s\S]*?^\s*\2\s*$/gm, '');
  for (const [, heading = ''] of text.matchAll(/^#{1,6} (.+)$/gm)) {
    const slug = githubSlug(heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1'));
    const times = seen.get(slug) ?? 0;
    seen.set(slug, times + 1);
    anchors.add(times === 0 ? slug : `${slug}-${times}`);
  }
  for (const [, id = ''] of text.matchAll(/<a id="([^"]+)">/g)) anchors.add(id);
  return anchors;
}

/** The targets of a document's links, those to other sites left out. */
export function linksOf(markdown: string): readonly string[] {
  return [...withoutCode(markdown).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target));
}

/**
 * The links of documents that lead nowhere, each as `docs/a.md → b.md#c`.
 *
 * @param read gives the text of a file, or `undefined` where there is none.
 */
export function deadLinks(
  documents: readonly string[],
  read: (path: string) => string | undefined,
): readonly string[] {
  return documents.flatMap((document) => {
    const text = read(document) ?? '';
    return linksOf(text)
      .filter((target) => {
        const [path = '', anchor] = target.split('#');
        const file = path === '' ? document : posix.join(posix.dirname(document), path);
        const there = read(file);
        if (there === undefined) return true;
        return anchor !== undefined && !anchorsOf(there).has(anchor);
      })
      .map((target) => `${document} → ${target}`);
  });
}
