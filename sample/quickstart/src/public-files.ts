import { readFileSync } from 'node:fs';

/** Reads a file of `public/`, which lies beside `src/` and `dist/` alike. */
function read(name: string): string {
  return readFileSync(new URL(`../public/${name}`, import.meta.url), 'utf8');
}

export const indexHtml = read('index.html');
export const pageScript = read('page.js');
export const styleSheet = read('style.css');
export const icon = read('icon.svg');
