import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const LINK = /nestjs-oidc-auth\/(docs\/[\w/-]+\.md)(?:#([\w-]+))?/g;
const AT_THE_END = new RegExp(` \\(${LINK.source}\\)$`);
/** What must tell where to read on: our refusals and events, without the colours of a terminal. */
const NEEDS_LINK =
  /\[OidcAuth\] (?:(?:(?!threw).)* (?:refused|let through as anonymous) \(\d{3} |[a-z-]+ \{")/;
const pages = new Map<string, string>();

function textOf(page: string): string {
  const text = pages.get(page) ?? readFileSync(join(root, page), 'utf8');
  pages.set(page, text);
  return text;
}

function isThere(page: string, anchor: string | undefined): boolean {
  return anchor !== undefined && textOf(page).includes(`<a id="${anchor}">`);
}

/** What is wrong with the links of a line of the log, in one sentence each. */
export function linkFaults(line: string): string[] {
  const links = [...line.matchAll(LINK)];
  const dead = links.filter(([, page = '', anchor]) => !isThere(page, anchor));
  const faults = dead.map(([link]) => `A line leads to ${link}, which is not there: ${line}`);
  if (NEEDS_LINK.test(line) && links.length !== 1) {
    faults.push(`A line leads to ${links.length} pages: ${line}`);
  }
  return faults;
}

/** A line of the log without where to read on, which must be there, at its end, and exist. */
export function withoutLink(line = ''): string {
  const [link, page = '', anchor] = AT_THE_END.exec(line) ?? [];
  if (link === undefined) throw new Error(`The line does not end with a link: ${line}`);
  if (!isThere(page, anchor)) throw new Error(`The line leads nowhere: ${line}`);
  return line.slice(0, -link.length);
}
