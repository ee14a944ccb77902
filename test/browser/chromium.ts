import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Browser as Chromium,
  type BrowserContext,
  type Locator,
  type Page,
  chromium,
} from 'playwright-core';

const CHROMIUM = process.env['OIDC_TEST_CHROMIUM'] ?? '/usr/bin/chromium';
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export const hasChromium = existsSync(CHROMIUM);
if (!hasChromium) {
  const line = `Skipped: the browser test needs Chromium at ${CHROMIUM} (or OIDC_TEST_CHROMIUM)`;
  if (process.env['CI']) throw new Error(line);
  console.warn(line);
}

/** A browser with an empty profile, and one page. */
export interface Browser {
  readonly context: BrowserContext;
  readonly page: Page;
  /** What scripts of the page threw. */
  readonly problems: readonly string[];
  close(): Promise<void>;
}

export async function openBrowser(): Promise<Browser> {
  const profile = await mkdtemp(join(tmpdir(), 'oidc-browser-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    headless: true,
    args: FLAGS,
  });
  const page = context.pages()[0] ?? (await context.newPage());
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  const close = async () => {
    await context.close();
    await rm(profile, { recursive: true, force: true });
  };
  return { context, page, problems, close };
}

/** A browser whose contexts are persons with a browser of their own: cheaper than one process each. */
export function launchChromium(...flags: string[]): Promise<Chromium> {
  return chromium.launch({ executablePath: CHROMIUM, headless: true, args: [...FLAGS, ...flags] });
}

/** Logs in on the page of the sample's provider. */
export async function enter(on: Page, user: string): Promise<void> {
  await on.fill('input[name=login]', user);
  await on.fill('input[name=password]', user);
  await on.click('#submit');
}

/** Allows what the sample's provider asks for at a user's first login. */
export async function allow(on: Page): Promise<void> {
  await on.getByRole('heading', { name: 'Allow access?' }).waitFor();
  await on.click('#submit');
}

/** The same where a user of the sample's provider may have been asked before: `arrived` is what the application shows then. */
export async function enterAndAllow(on: Page, user: string, arrived: Locator): Promise<void> {
  await enter(on, user);
  const asked = on.getByRole('heading', { name: 'Allow access?' });
  await asked.or(arrived).first().waitFor();
  if (await asked.isVisible()) await on.click('#submit');
  await arrived.waitFor();
}
