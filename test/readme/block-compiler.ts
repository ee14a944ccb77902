import { basename, dirname, join } from 'node:path';

import ts from 'typescript';

import type { CodeBlock } from './code-blocks.js';

/**
 * Compiles blocks of documents as modules that stand beside their document, with the project's own options: they find
 * this module under its package name, and other blocks of the document that are named.
 */
export class BlockCompiler {
  readonly #root: string;
  readonly #options: ts.CompilerOptions;
  /** What does not change from block to block is read once. */
  readonly #sources = new Map<string, ts.SourceFile | undefined>();

  /** @param root folder of `tsconfig.json` */
  constructor(root: string) {
    this.#root = root;
    const file = join(root, 'tsconfig.json');
    const { config, error } = ts.readConfigFile(file, (path) => ts.sys.readFile(path));
    if (error !== undefined)
      throw new Error(ts.flattenDiagnosticMessageText(error.messageText, '\n'));
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
    this.#options = { ...options, noEmit: true, moduleDetection: ts.ModuleDetectionKind.Force };
  }

  /**
   * What is wrong with blocks, each as `README.md:41 TS2322: …`; of another library's only whether it is TypeScript. All are
   * compiled together, but for those that widen what others see.
   */
  errorsOf(blocks: readonly CodeBlock[]): readonly string[] {
    const alone = blocks.filter(({ code }) => /^\s*declare /m.test(code));
    const together = blocks.filter((block) => !alone.includes(block));
    return [together, ...alone.map((block) => [block])].flatMap((group) => this.#errorsIn(group));
  }

  #errorsIn(blocks: readonly CodeBlock[]): readonly string[] {
    const byPath = new Map(blocks.map((block) => [this.#pathOf(block), block]));
    const files = new Map([...byPath].map(([path, { code }]) => [path, code]));
    const program = ts.createProgram([...files.keys()], this.#options, this.#hostWith(files));
    const options = program
      .getOptionsDiagnostics()
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
    const errors = [...byPath].flatMap(([path, block]) => {
      const source = program.getSourceFile(path);
      const diagnostics = [
        ...program.getSyntacticDiagnostics(source),
        ...(block.before ? [] : program.getSemanticDiagnostics(source)),
      ];
      return diagnostics.map((diagnostic) => inDocument(block, diagnostic));
    });
    return [...options, ...errors];
  }

  /** Each document has a folder of its own beside it, where blocks that name their file are found by the others. */
  #pathOf({ document, file, line }: CodeBlock): string {
    const folder = join(this.#root, dirname(document), `of-${basename(document, '.md')}`);
    return join(folder, file ?? `block-at-line-${line}.ts`);
  }

  #hostWith(files: ReadonlyMap<string, string>): ts.CompilerHost {
    const host = ts.createCompilerHost(this.#options);
    const folders = new Set([...files.keys()].map((path) => dirname(path)));
    return {
      ...host,
      fileExists: (path) => files.has(path) || host.fileExists(path),
      readFile: (path) => files.get(path) ?? host.readFile(path),
      directoryExists: (path) => folders.has(path) || ts.sys.directoryExists(path),
      getSourceFile: (path, version) => {
        const code = files.get(path);
        if (code !== undefined) return ts.createSourceFile(path, code, version, true);
        if (!this.#sources.has(path)) this.#sources.set(path, host.getSourceFile(path, version));
        return this.#sources.get(path);
      },
    };
  }
}

function inDocument({ document, line }: CodeBlock, diagnostic: ts.Diagnostic): string {
  const { code, file, messageText, start = 0 } = diagnostic;
  const offset = file?.getLineAndCharacterOfPosition(start).line ?? 0;
  const text = ts.flattenDiagnosticMessageText(messageText, '\n');
  return `${document}:${line + offset} TS${code}: ${text}`;
}
