/** A fenced block of TypeScript in a Markdown document. */
export interface CodeBlock {
  /** Path of the document below the project's root. */
  readonly document: string;
  /** Where in the document the code begins; the first line is 1. */
  readonly line: number;
  readonly code: string;
  /** What the block's first line names it: `// src/app.module.ts`. */
  readonly file?: string;
  /** Marked as `ts before`: it shows another library, which is not installed here. */
  readonly before?: true;
}

const openingFence = /^(?<indent>\s*)(?<fence>```+|~~~+)\s*(?<language>[\w-]*)(?<marks>.*)$/;
const fileComment = /^\/\/ (?<file>\S+\.[cm]?ts)\s*$/;

/** Every block whose language is `ts` or `typescript`, in order. */
export function codeBlocks(document: string, markdown: string): readonly CodeBlock[] {
  const lines = markdown.split(/\r?\n/);
  const blocks: CodeBlock[] = [];
  let next = 0;
  while (next < lines.length) {
    const opening = openingFence.exec(lines[next] ?? '')?.groups;
    next += 1;
    if (opening === undefined) continue;

    const { fence = '', indent = '', language = '', marks = '' } = opening;
    const first = next;
    while (next < lines.length && lines[next]?.trim() !== fence) next += 1;
    if (next === lines.length) throw new Error(`${document}:${first}: the fence is never closed`);

    const body = lines.slice(first, next).map((line) => withoutIndent(line, indent.length));
    next += 1;
    if (!/^(?:ts|typescript)$/i.test(language)) continue;
    const block = toBlock(document, first + 1, body);
    blocks.push(marks.trim() === 'before' ? { ...block, before: true } : block);
  }
  return blocks;
}

function toBlock(document: string, line: number, body: readonly string[]): CodeBlock {
  const file = fileComment.exec(body[0] ?? '')?.groups?.['file'];
  const block = { document, line, code: body.join('\n') };
  return file === undefined ? block : { ...block, file };
}

function withoutIndent(line: string, width: number): string {
  return line.slice(0, width).trim() === '' ? line.slice(width) : line;
}
