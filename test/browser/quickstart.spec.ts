import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Quickstart, startQuickstart } from '../../sample/quickstart/src/start-quickstart.js';
import { freePort } from '../support/free-port.js';
import { type Browser, enter, hasChromium, openBrowser } from './chromium.js';

describe.skipIf(!hasChromium)('the quickstart page', () => {
  let quickstart: Quickstart;
  let browser: Browser;
  let page: Browser['page'];
  let context: Browser['context'];
  let problems: Browser['problems'];

  beforeAll(async () => {
    quickstart = await startQuickstart({
      port: await freePort(),
      idpPort: await freePort(),
      store: 'memory://',
      quiet: true,
    });
  });

  afterAll(() => quickstart.close());

  beforeEach(async () => {
    browser = await openBrowser();
    ({ page, context, problems } = browser);
    await page.goto(quickstart.url);
  });

  afterEach(() => browser.close());

  async function login(user: string): Promise<void> {
    await page.click('#login');
    await enter(page, user);
    await page.waitForURL(`${quickstart.url}/`);
    await page.getByText('You are logged in.').waitFor();
  }

  it('logs in, shows the claims, calls guarded routes, refreshes and logs out', async () => {
    await login('alice');

    expect(new URL(page.url()).search).toBe(''); // code and state are gone from the address
    expect(await page.textContent('#claims')).toContain('quickstart-api');

    await page.click('#call-me');
    await page.locator('#response', { hasText: 'alice' }).waitFor();
    await page.click('#call-admin');
    await page.locator('#response', { hasText: '200' }).waitFor();

    const before = await page.evaluate('JSON.stringify(sessionStorage)');
    await page.click('#refresh');
    await page.getByText('The token was refreshed.').waitFor();
    expect(await page.evaluate('JSON.stringify(sessionStorage)')).not.toBe(before);

    await page.click('#logout');
    await page.click('#submit'); // the provider asks
    await page.waitForURL((url) => url.origin === quickstart.url);
    await page.locator('#login').waitFor();
    expect(await page.evaluate('sessionStorage.length')).toBe(0);
    await page.click('#call-me');
    await page.locator('#response', { hasText: '401' }).waitFor();
    expect(problems).toEqual([]);
  });

  it('keeps scripts away from the login cookie, and refuses a user without the role', async () => {
    await page.click('#login');
    const cookies = await context.cookies(quickstart.url);
    const loginCookie = cookies.find(({ name }) => name.startsWith('oidc-login.'));
    expect(loginCookie).toMatchObject({ httpOnly: true, secure: false, sameSite: 'Lax' });

    await enter(page, 'bob');
    await page.getByText('You are logged in.').waitFor();
    await page.click('#call-admin');

    await page.locator('#response', { hasText: '403' }).waitFor();
    const left = await context.cookies(quickstart.url);
    expect(left.filter(({ name }) => name.includes('oidc-login'))).toEqual([]);
    expect(problems).toEqual([]);
  });

  it('logs a device in through a second window', async () => {
    await page.click('#device-start');
    await page.locator('#user-code').waitFor();
    const second = await context.newPage();
    await second.goto((await page.getAttribute('#device-link', 'href')) ?? '');
    await second.click('#submit'); // the code is right
    await enter(second, 'alice');

    await page.getByText('You are logged in by the other device.').waitFor({ timeout: 30_000 });

    expect(await page.textContent('#username')).toBe('alice');
    expect(problems).toEqual([]);
  });
});
