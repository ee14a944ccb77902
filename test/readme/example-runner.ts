import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import type { INestApplication, Type } from '@nestjs/common';

import type { OidcService } from '../../lib/index.js';
import type { TestIssuer } from '../../lib/testing/index.js';
import type { CodeBlock } from './code-blocks.js';
import { root } from './documents.js';
import { withEntries } from './run-block.js';

/** What a block declares, as far as somebody else would use it. */
export interface Example {
  readonly AppModule?: Type;
  readonly app?: INestApplication;
  /** Of the page about clients. */
  readonly finishLogin?: (address: URL) => Promise<unknown>;
  /** Of the page about incidents. */
  readonly Emergency?: new (oidc: OidcService) => { retireAllKeys(): Promise<void> };
}

/** The words of the documents that name somebody else's servers, and what stands for them here. */
function here(code: string, { issuer, port }: { issuer: TestIssuer; port: number }): string {
  const url = `http://localhost:${port}`;
  return withEntries(code)
    .replace(/'https:\/\/idp\.example\.org\/[^']*'/g, `'${issuer.options.discoveryUrl}'`)
    .replaceAll(
      /'(?:https:\/\/(?:api|app|nest)\.example\.org|http:\/\/localhost:3000)(?=[/'])/g,
      `'${url}`,
    )
    .replace(
      /type: 'postgres',\s*url: [^\n]*\n/,
      "type: 'better-sqlite3', database: ':memory:', synchronize: true,\n",
    )
    .replace("signingAlgorithm: 'RS256'", "signingAlgorithm: 'ES256'") // an RSA key takes a second to make
    .replace(
      /audience: 'myapp-api',?(?![\s\S]*signingAlgorithm)/,
      "audience: 'myapp-api', signingAlgorithm: 'ES256',",
    )
    .replace('app.listen(3000)', `app.listen(${port}, '127.0.0.1')`)
    .replace(
      'NestFactory.create(AppModule)',
      'NestFactory.create(AppModule, { logger: false, abortOnError: false })',
    );
}

/** Exports what the block declares without exporting it. */
function exporting(code: string): string {
  const names = ['AppModule', 'app'].filter((name) =>
    new RegExp(`\\b(class|const) ${name}\\b`).test(code),
  );
  const hidden = names.filter(
    (name) => !new RegExp(`export (?:class|const) ${name}\\b`).test(code),
  );
  return `${code}\nexport { ${hidden.join(', ')} };\n`;
}

/** Runs a block as a module of its own, with the decorators of this project's settings; the others are files beside it. */
export async function runExample(
  block: CodeBlock,
  others: readonly CodeBlock[],
  servers: { issuer: TestIssuer; port: number },
): Promise<Example> {
  const folder = join(
    root,
    `test/readme/example-${process.pid}-${Math.random().toString(36).slice(2)}`,
  );
  const files = [block, ...others.filter(({ file }) => file !== undefined && file !== block.file)];
  const main = join(folder, block.file ?? 'src/example.ts');
  try {
    for (const { code, file } of files) {
      const path = join(folder, file ?? 'src/example.ts');
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, exporting(here(code, servers)));
    }
    const example: Example = await import(/* @vite-ignore */ main);
    return example;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
