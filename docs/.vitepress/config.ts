import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { defineConfig } from 'vitepress';

import { contentsOf, pagesOf } from '../../scripts/docs/contents.js';
import { githubSlug } from '../../scripts/docs/github-slug.js';

const docs = fileURLToPath(new URL('../', import.meta.url));
const index = readFileSync(join(docs, 'index.md'), 'utf8');

export default defineConfig({
  title: 'nestjs-oidc-auth',
  description: 'OpenID Connect login and token checking for NestJS by one import',
  base: process.env['DOCS_BASE'] ?? '/',
  cleanUrls: true,
  ignoreDeadLinks: 'localhostLinks',
  vite: { publicDir: 'public' },
  markdown: {
    // The same anchors as in the repository, so that a link is right in both.
    anchor: { slugify: githubSlug },
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Getting started', link: '/getting-started' },
      { text: 'Troubleshooting', link: '/troubleshooting' },
      { text: 'API', link: '/api/index.html', target: '_self' },
    ],
    // `index.md` is the one list of pages.
    sidebar: contentsOf(index).map(({ title, pages }) => ({
      text: title,
      items: pages.map((page) => ({
        text: page.title,
        link: `/${page.file.replace(/\.md$/, '')}`,
      })),
    })),
  },
  // Programs read the pages as they are: https://llmstxt.org
  buildEnd({ outDir }) {
    for (const { file } of pagesOf(index)) {
      mkdirSync(dirname(join(outDir, file)), { recursive: true });
      copyFileSync(join(docs, file), join(outDir, file));
    }
    copyFileSync(join(docs, 'grafana-dashboard.json'), join(outDir, 'grafana-dashboard.json'));
    writeFileSync(join(outDir, 'llms.txt'), index);
  },
});
