import { dirname, join } from 'node:path';

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

  /** What is wrong with a block, each as `README.md:41 TS2322: …`. */
  errorsOf(block: CodeBlock, neighbours: readonly CodeBlock[] = []): readonly string[] {
    const files = new Map(
      [...neighbours.filter(({ file }) => file !== undefined), block].map((each) => [
        this.#pathOf(each),
        each.code,
      ]),
    );
    const path = this.#pathOf(block);
    const program = ts.createProgram([path], this.#options, this.#hostWith(files));
    const source = program.getSourceFile(path);
    const diagnostics = [
      ...program.getOptionsDiagnostics(),
      ...program.getSyntacticDiagnostics(source),
      ...program.getSemanticDiagnostics(source),
    ];
    return diagnostics.map((diagnostic) => inDocument(block, diagnostic));
  }

  #pathOf({ document, file, line }: CodeBlock): string {
    return join(this.#root, dirname(document), file ?? `block-at-line-${line}.ts`);
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
