export interface ListedPage {
  readonly title: string;
  /** Below `docs/`. */
  readonly file: string;
}

/** The sections of `docs/index.md` with their pages: the one list, for the side bar and for `llms.txt`. */
export function contentsOf(
  index: string,
): readonly { readonly title: string; readonly pages: readonly ListedPage[] }[] {
  return index
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const [title = ''] = section.split('\n', 1);
      const pages = [...section.matchAll(/^- \[([^\]]+)\]\(([^)]+\.md)\)/gm)];
      return {
        title,
        pages: pages.map(([, name = '', file = '']) => ({ title: name.replaceAll('`', ''), file })),
      };
    });
}

/** All pages that `docs/index.md` lists. */
export function pagesOf(index: string): readonly ListedPage[] {
  return contentsOf(index).flatMap(({ pages }) => pages);
}
