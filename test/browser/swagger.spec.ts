import {
  BaseResolver,
  createConfig,
  lintDocument,
  makeDocumentFromString,
} from '@redocly/openapi-core';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Mode } from '../../sample/quickstart/src/mode.js';
import { type Quickstart, startQuickstart } from '../../sample/quickstart/src/start-quickstart.js';
import { freePort } from '../support/free-port.js';
import { request } from '../support/http-request.js';
import { type Browser, allow, enter, hasChromium, openBrowser } from './chromium.js';

const start = async (mode: Mode): Promise<Quickstart> =>
  startQuickstart({
    port: await freePort(),
    idpPort: await freePort(),
    partnerPort: await freePort(),
    mode,
    ...(mode === 'broker' && { store: 'memory://' }),
    quiet: true,
  });

/** Logs in on a page that closes when that is done, maybe before the click is known to have ended. */
const enterAndClose = async (login: Page): Promise<void> => {
  const closed = login.waitForEvent('close');
  await enter(login, 'alice');
  await allow(login).catch((error: unknown) => {
    if (!login.isClosed()) throw error;
  });
  await closed;
};

describe.each(['broker', 'passthrough'] as const)('the OpenAPI document in %s mode', (mode) => {
  let quickstart: Quickstart;

  beforeAll(async () => {
    quickstart = await start(mode);
  });

  afterAll(() => quickstart.close());

  it('passes a linter', async () => {
    const document = (await request(`${quickstart.url}/docs-json`)).text();
    const problems = await lintDocument({
      document: makeDocumentFromString(document, 'openapi.json'),
      externalRefResolver: new BaseResolver(),
      config: await createConfig({ extends: ['spec'] }),
    });

    expect(document).toContain('/api/me');
    expect(problems.map(({ message, location }) => [message, location[0]?.pointer])).toEqual([]);
  });
});

describe.skipIf(!hasChromium)('Swagger UI', () => {
  let quickstart: Quickstart | undefined;
  let browser: Browser;
  let page: Browser['page'];

  beforeEach(async () => {
    browser = await openBrowser();
    ({ page } = browser);
  });

  afterEach(async () => {
    await browser.close();
    await quickstart?.close();
    quickstart = undefined;
  });

  const open = async (mode: Mode): Promise<void> => {
    quickstart = await start(mode);
    await page.goto(`${quickstart.url}/docs`);
    await page.click('.auth-wrapper .authorize');
  };

  /** Calls a route with "Try it out", and waits for a status. */
  const tryOut = async (path: string, status: string): Promise<void> => {
    const route = page.locator('.opblock', { has: page.locator(`[data-path="${path}"]`) });
    await route.locator('.opblock-summary-control').click();
    await route.locator('.try-out__btn').click();
    await route.locator('.execute').click();
    await shown(status);
  };

  const shown = (status: string): Promise<void> =>
    page.locator('.live-responses-table .response-col_status', { hasText: status }).waitFor();

  it('logs in against the provider by "Authorize", and calls a guarded route', async () => {
    await open('passthrough');
    const popup = page.waitForEvent('popup');
    await page.click('.modal-ux .authorize');
    await enterAndClose(await popup);
    await page.locator('.modal-ux', { hasText: 'Logout' }).waitFor();
    await page.click('.modal-ux .btn-done');

    await tryOut('/api/me', '200');
    expect(await page.locator('.live-responses-table .highlight-code').textContent()).toContain(
      'alice',
    );
    expect(browser.problems).toEqual([]);
  });

  it('calls a guarded route with a pasted token in broker mode, and shows 401 without', async () => {
    await open('broker');
    const url = quickstart?.url ?? '';
    await page.click('.modal-ux .btn-done');
    await tryOut('/api/me', '401');

    const callback = `${url}/api/auth/v2/callback`;
    const login = await browser.context.newPage();
    await login.goto(`${url}/api/auth/v2/login?redirect_uri=${encodeURIComponent(callback)}`);
    await enter(login, 'alice');
    await allow(login);
    await login.waitForURL((at) => at.pathname === '/api/auth/v2/callback');
    const tokens: unknown = JSON.parse(String(await login.locator('body').textContent()));
    await login.close();

    await page.click('.auth-wrapper .authorize');
    await page.fill('.modal-ux input', String(Object(tokens)['access_token']));
    await page.click('.modal-ux .authorize');
    await page.click('.modal-ux .btn-done');
    await page.click('.opblock.is-open .execute');

    await shown('200');
    expect(browser.problems).toEqual([]);
  });
});
