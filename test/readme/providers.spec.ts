import { generateKeyPairSync } from 'node:crypto';

import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import type { OidcAuthOptions } from '../../lib/index.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { resolveRoutes } from '../../lib/options/resolve-routes.js';
import { isRecord } from '../../lib/options/value-rules.js';
import { blocksOf, pages } from './documents.js';

const blocks = pages.filter((page) => page.startsWith('docs/providers/')).flatMap(blocksOf);

/** What a block exports; such a block imports types only, so that it runs without its neighbours. */
async function exportsOf(code: string): Promise<Readonly<Record<string, unknown>>> {
  const { outputText } = ts.transpileModule(code, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  });
  const exported: unknown = await import(
    /* @vite-ignore */ `data:text/javascript,${encodeURIComponent(outputText)}`
  );
  return isRecord(exported) ? exported : {};
}

describe('the options on the pages of identity providers', () => {
  beforeAll(() => {
    vi.stubEnv('OIDC_CLIENT_SECRET', 'client-secret-of-at-least-32-characters');
    vi.stubEnv('OIDC_KEY', 'encryption-key-of-at-least-32-characters');
    vi.stubEnv('OIDC_THUMBPRINT', 'thumbprint');
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    vi.stubEnv('OIDC_CLIENT_KEY', String(privateKey.export({ format: 'pem', type: 'pkcs8' })));
  });

  afterAll(() => {
    vi.unstubAllEnvs();
  });

  it.each(blocks)('are accepted at start-up: $document, line $line', async ({ code }) => {
    const written = Object.values(await exportsOf(code));

    expect(written).not.toHaveLength(0);
    for (const options of written) resolved(options);
  });

  it('would not be with a mistake in them', async () => {
    const [first] = blocksOf('docs/providers/keycloak.md');
    const { keycloak } = await exportsOf(first?.code.replace("'https://idp", "'ftp://idp") ?? '');

    expect(() => resolved(keycloak)).toThrow(/discoveryUrl/);
  });
});

function isOptions(value: unknown): value is OidcAuthOptions {
  return isRecord(value) && typeof value['discoveryUrl'] === 'string';
}

function resolved(options: unknown): void {
  if (!isOptions(options)) throw new Error('A block exports something that is no options');
  const { routes, ...others } = options; // as forRoot() parts them
  resolveOptions(others, resolveRoutes(routes));
}
