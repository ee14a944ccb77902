import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { type Spa, startSpa } from '../../sample/spa/src/start-spa.js';
import { freePort } from '../support/free-port.js';
import { enterAndAllow, hasChromium, launchChromium } from './chromium.js';

const root = join(import.meta.dirname, '../..');
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0';

/** The page as `npm run build` makes it, of the library in the tree. */
async function builtPage(folder: string): Promise<void> {
  await build({
    configFile: false,
    logLevel: 'error',
    root: join(root, 'sample/spa/page'),
    build: { outDir: folder, emptyOutDir: true },
    resolve: { alias: { 'nestjs-oidc-auth/browser': join(root, 'lib/browser/index.ts') } },
  });
}

const hello = (page: Page, user = 'alice') =>
  page.getByRole('heading', { name: `Hello, ${user}` }).waitFor();
const loggedOut = (page: Page) => page.locator('#login').waitFor();

async function logIn(page: Page, user = 'alice'): Promise<void> {
  await page.click('#login');
  await enterAndAllow(page, user, page.getByRole('heading', { name: `Hello, ${user}` }));
}

describe.skipIf(!hasChromium)('the single-page application', () => {
  let folder: string;
  let spa: Spa;
  let chromium: Browser;
  const problems: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'oidc-spa-'));
    await builtPage(folder);
    spa = await startSpa({ port: await freePort(), idpPort: await freePort(), page: folder });
    chromium = await launchChromium();
  });

  afterEach(async () => {
    for (const context of chromium.contexts()) await context.close();
    expect(problems.splice(0)).toEqual([]);
  });

  afterAll(async () => {
    await chromium.close();
    await spa.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Somebody with a browser of his own, at the page. */
  async function person(options: BrowserContextOptions = {}): Promise<Page> {
    const context = await chromium.newContext(options);
    const page = await context.newPage();
    page.on('pageerror', (error) => problems.push(error.message));
    await page.goto(spa.url);
    return page;
  }

  it('logs in by the keyboard alone, and stays logged in over a reload', async () => {
    const page = await person();
    await loggedOut(page);

    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.locator('#username:focus').waitFor();
    await page.keyboard.type('alice');
    await page.keyboard.press('Tab');
    await page.keyboard.type('alice');
    await page.keyboard.press('Enter');
    await page.locator('#submit:focus').waitFor(); // allow
    await page.keyboard.press('Enter');
    await hello(page);
    await page.reload();
    await hello(page);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');

    await page.getByText('The API knows alice').waitFor();
    const kept = 'JSON.stringify([document.cookie, localStorage, sessionStorage, location.search])';
    expect(await page.evaluate(kept)).toBe('["",{},{},""]');
  });

  it('lists where its user is logged in, and ends a session elsewhere', async () => {
    const page = await person();
    await logIn(page);
    const other = await person({ userAgent: FIREFOX });
    await logIn(other);

    await page.reload();
    const rows = page.locator('#session-list li');
    await rows.filter({ hasText: 'Chrome on Linux' }).filter({ hasText: 'this browser' }).waitFor();
    const theirs = rows.filter({ hasText: 'Firefox on Linux' });
    await theirs.getByRole('button').click();
    await page.getByText('That session has ended.').waitFor();

    expect(await theirs.count()).toBe(0);
    expect(await page.locator('#sessions-title:focus').count()).toBe(1);
    await other.click('#use');
    await other.getByText('Please log in again').waitFor();
    await loggedOut(other);
    await hello(page);
  });

  it('is logged out in both tabs at once', async () => {
    const page = await person();
    await logIn(page);
    const tab = await page.context().newPage();
    await tab.goto(spa.url);
    await hello(tab);

    await page.click('#logout');
    await page.click('#submit'); // the provider asks

    await loggedOut(tab);
    await loggedOut(page);
    expect(await tab.textContent('#session-list')).toBe('');
  });

  it('shows nothing of before by the back button, where the logout was in another tab', async () => {
    const page = await person();
    await logIn(page);
    await page.goto(`${spa.issuer}/`);
    const tab = await page.context().newPage();
    await tab.goto(spa.url);
    await tab.click('#logout');
    await tab.getByRole('heading', { name: 'Log out?' }).waitFor();

    await page.goBack();

    await loggedOut(page);
    expect(await page.textContent('#session-list')).toBe('');
  });

  it('steps up for one button, and comes back', async () => {
    const page = await person();
    await logIn(page);

    // This login has not said when it was. The provider knows, and asks nothing.
    await Promise.all([page.waitForEvent('framenavigated'), page.click('#show-code')]);
    await hello(page);
    await page.click('#show-code');

    await page.getByText('K7QF-2M9X').waitFor();
  });

  it('is logged out everywhere by one button', async () => {
    const page = await person();
    await logIn(page, 'bob');
    const other = await person();
    await logIn(other, 'bob');

    await page.click('#logout-everywhere');
    await page.getByText('You are logged out.').waitFor();
    await other.click('#use');

    await loggedOut(other);
  });

  it('learns that the provider has ended the session', async () => {
    const page = await person();
    await logIn(page);
    const tab = await page.context().newPage();
    await tab.goto(`${spa.issuer}/session/end`);
    await tab.click('#submit');
    await tab.getByRole('heading', { name: 'Logged out' }).waitFor();

    await page.click('#use');

    await page.getByText('Please log in again').waitFor();
    await loggedOut(page);
  });

  it('says that the session is about to end, and goes on by one click', async () => {
    const page = await person();
    await page.clock.install();
    await logIn(page);
    await page.getByText(/Unused, it ends in 4:\d\d/).waitFor();

    await page.clock.fastForward('04:10');
    await page.getByText('Your session is about to end.').waitFor();
    await page.clock.fastForward('00:10');
    expect(await page.textContent('#expiry')).toMatch(/ends in 0:[34]\d/);
    await page.clock.setSystemTime(new Date()); // the server's
    await page.click('#stay');

    await page.locator('#expiring').waitFor({ state: 'hidden' });
    await page.getByText(/Unused, it ends in [45]:\d\d/).waitFor();
  });

  it('fits wide screens and phones', async () => {
    const shots = process.env['SCREENSHOTS'];
    const page = await person();
    await logIn(page);
    await page.locator('#session-list li').first().waitFor();

    for (const width of [1280, 360]) {
      await page.setViewportSize({ width, height: 800 });
      const wide = await page.evaluate('document.documentElement.scrollWidth');
      expect(wide).toBeLessThanOrEqual(width);
      if (shots) await page.screenshot({ path: `${shots}/spa-${width}.png`, fullPage: true });
    }
  });
});
