import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { type Pages, startPages } from '../../sample/pages/src/start-pages.js';
import { freePort } from '../support/free-port.js';
import { enterAndAllow, hasChromium, launchChromium } from './chromium.js';

const heading = (page: Page, name: string) => page.getByRole('heading', { name });

describe.skipIf(!hasChromium)('pages without JavaScript', () => {
  let pages: Pages;
  let chromium: Browser;

  beforeAll(async () => {
    pages = await startPages({ port: await freePort(), idpPort: await freePort() });
    chromium = await launchChromium();
  });

  afterEach(async () => {
    for (const context of chromium.contexts()) await context.close();
  });

  afterAll(async () => {
    await chromium.close();
    await pages.close();
  });

  /** Somebody with a browser of his own, who opened the profile and was sent to log in. */
  async function person(options: BrowserContextOptions = {}): Promise<Page> {
    const context = await chromium.newContext({ javaScriptEnabled: false, ...options });
    const page = await context.newPage();
    await page.goto(`${pages.url}/profile`);
    await enterAndAllow(page, 'alice', heading(page, 'Profile'));
    return page;
  }

  it('log people in on the way to a page, change something, and log out', async () => {
    const page = await person();
    expect(page.url()).toBe(`${pages.url}/profile`);

    await page.fill('#note', '<b>tea</b>');
    await page.click('main button');
    await heading(page, 'Profile').waitFor();
    expect(await page.inputValue('#note')).toBe('<b>tea</b>');
    await page.reload();
    expect(await page.inputValue('#note')).toBe('<b>tea</b>');

    await page.getByRole('button', { name: 'Log out' }).click();
    await page.click('#submit'); // the provider asks
    await heading(page, 'You are not logged in').waitFor();
  });

  it('step up on the way to a page', async () => {
    const page = await person();

    await page.getByRole('link', { name: 'Your recovery code' }).click(); // the provider asks nothing: it knows when

    await page.getByText('K7QF-2M9X').waitFor();
    expect(page.url()).toBe(`${pages.url}/profile/recovery-code`);
  });

  it('are gone from the history after the logout', async () => {
    const page = await person();
    await page.goto(`${pages.issuer}/`);
    const tab = await page.context().newPage();
    await tab.goto(pages.url);
    await tab.getByRole('button', { name: 'Log out' }).click();
    await heading(tab, 'Log out?').waitFor();

    await page.goBack();

    await heading(page, 'Log in').or(heading(page, 'The login did not last')).waitFor();
    expect(await page.content()).not.toContain('alice@example.org');
  });

  it('BS-1: take no form from elsewhere, with the cookie or without it, and say so', async () => {
    const page = await person();
    const form = `<form method="post" action="${pages.url}/profile"><input name="note" value="forged"><button>Win</button></form>`;
    const of: readonly (readonly [origin: string, words: string])[] = [
      ['http://evil.example', 'You are not logged in here'], // another site: the browser keeps the cookie
      [pages.issuer, 'This request came from another site'], // the same site, another origin
    ];

    for (const [origin, words] of of) {
      await page.route(`${origin}/forged`, (route) =>
        route.fulfill({ contentType: 'text/html', body: form }),
      );
      await page.goto(`${origin}/forged`);
      await page.click('button');
      await heading(page, 'That was refused').waitFor();
      expect(await page.textContent('main')).toContain(words);
    }
    await page.goto(`${pages.url}/profile`);
    expect(await page.inputValue('#note')).not.toBe('forged');
  });

  it('list where their user is logged in, and end a session elsewhere', async () => {
    const page = await person();
    const other = await person({ userAgent: 'Mozilla/5.0 (X11; Linux) Gecko/1 Firefox/144.0' });
    await page.getByRole('link', { name: 'Sessions' }).click();
    const theirs = page.getByRole('listitem').filter({ hasText: 'Firefox on Linux' });

    await theirs.getByRole('button').click();

    await theirs.waitFor({ state: 'detached' });
    await other.fill('#note', 'too late');
    await other.click('main button');
    await heading(other, 'That was refused').waitFor();
    expect(await other.textContent('main')).toContain('You are not logged in here');
    await page.getByText('this browser').waitFor();
  });

  it('fit wide screens and phones', async () => {
    const shots = process.env['SCREENSHOTS'];
    const page = await person({ javaScriptEnabled: true });
    for (const path of ['/', '/profile', '/sessions']) {
      await page.goto(pages.url + path);
      for (const width of [1280, 360]) {
        await page.setViewportSize({ width, height: 800 });
        const wide = await page.evaluate('document.documentElement.scrollWidth');
        expect(wide).toBeLessThanOrEqual(width);
        const name = `pages${path.replace('/', '-')}-${width}.png`;
        if (shots) await page.screenshot({ path: `${shots}/${name}`, fullPage: true });
      }
    }
  });
});
