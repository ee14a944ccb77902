/** `lib/errors/page-anchors.ts`, before formatting: where a line of the log may lead to. */
export function anchorsModule(page: string): string {
  const anchors = [...page.matchAll(/<a id="([^"]+)">/g)].map(([, id = '']) => id);
  return `// Made from docs/troubleshooting.md by \`npm run docs:write\`.

/** The anchors of the page on troubleshooting. */
// prettier-ignore
export const TROUBLESHOOTING_ANCHORS = [
${filled(anchors.map((anchor) => `'${anchor}',`))}
] as const;

export type TroubleshootingAnchor = (typeof TROUBLESHOOTING_ANCHORS)[number];
`;
}

/** As many words a line as there is room for. */
function filled(words: readonly string[]): string {
  const lines: string[] = [];
  for (const word of words) {
    const longer = `${lines.at(-1) ?? ''} ${word}`;
    if (lines.length > 0 && longer.length <= 98) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines.map((line) => `  ${line}`).join('\n');
}
