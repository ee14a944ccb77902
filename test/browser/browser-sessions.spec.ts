import { Controller, Get, Header } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { Auth, IdToken } from '../../lib/index.js';
import type { TestApp } from '../support/app.js';
import { startBrowserApp } from '../support/browser-sessions.js';
import { FakeClock } from '../support/fake-clock.js';
import {
  type MisbehavingProvider,
  startMisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { alice } from '../support/users.js';
import { bundledClient } from './bundled-client.js';
import { type Browser, hasChromium, openBrowser } from './chromium.js';

const script = await (hasChromium ? bundledClient() : '');

@Controller()
class Site {
  @Get()
  @Header('Content-Type', 'text/html')
  page(): string {
    return (
      '<!doctype html><title>page</title><p id="told"></p><script type="module">' +
      "import * as client from '/client.js'; window.client = client; window.told = [];" +
      'client.onChange((change) => window.told.push(change.authenticated));' +
      "client.session().then(() => { document.title = 'ready'; });</script>"
    );
  }

  @Get('client.js')
  @Header('Content-Type', 'text/javascript')
  client(): string {
    return script;
  }

  @Get('api')
  @Auth()
  api(@IdToken('sub') sub: string): object {
    return { sub };
  }

  @Get('account')
  @Header('Content-Type', 'text/html')
  @Auth({ onUnauthenticated: 'login' })
  account(@IdToken('sub') sub: string): string {
    return `<!doctype html><h1>${sub}</h1>`;
  }
}

const renewals = (provider: MisbehavingProvider) =>
  provider.requestsTo('token').filter(({ body }) => body['grant_type'] === 'refresh_token');

describe.skipIf(!hasChromium)('a session by cookie in Chromium', () => {
  let clock: FakeClock;
  let provider: MisbehavingProvider;
  let app: TestApp;
  let browser: Browser;

  beforeEach(async () => {
    clock = new FakeClock(new Date());
    provider = await startMisbehavingProvider({ clock });
    app = await startBrowserApp({ provider, clock, controllers: [Site] });
    browser = await openBrowser();
  });

  afterEach(async () => {
    await browser.close();
    await app.close();
    await provider.close();
  });

  const ready = async (page = browser.page): Promise<void> => {
    await page.goto(`${app.url}/`);
    await page.waitForFunction("document.title === 'ready'");
  };
  const authenticated = (page = browser.page): Promise<unknown> =>
    page.evaluate('client.session().then((state) => state.authenticated)');

  it('begins and ends by the client, in all tabs, and no script sees the cookie', async () => {
    const { page, context } = browser;
    await ready();
    expect(await authenticated()).toBe(false);
    expect(await page.evaluate("client.fetch('/api').then(({ status }) => status)")).toBe(401);

    await Promise.all([page.waitForURL(`${app.url}/`), page.evaluate('client.login()')]);
    await page.waitForFunction("document.title === 'ready'");

    expect(await authenticated()).toBe(true);
    expect(await page.evaluate("client.fetch('/api').then((one) => one.json())")).toEqual({
      sub: alice.sub,
    });
    expect(await page.evaluate('document.cookie')).toBe('');
    const other = await context.newPage();
    await ready(other);
    expect(await authenticated(other)).toBe(true);

    await page.evaluate('client.logout()').catch(() => undefined); // the page goes away

    await other.waitForFunction('told.at(-1) === false');
    expect(await authenticated(other)).toBe(false);
    expect(browser.problems).toEqual([]);
  });

  it('is what a page that is opened asks for, and gone from the history after the logout', async () => {
    const { page } = browser;

    await page.goto(`${app.url}/account`);
    expect([page.url(), await page.textContent('h1')]).toEqual([`${app.url}/account`, alice.sub]);
    await ready();
    await page.evaluate(
      "fetch('/auth/v2/logout', { method: 'POST', headers: { accept: 'application/json' } })",
    );
    await page.goBack();

    expect(await page.textContent('h1')).toBe('The login did not last'); // so soon; and not what it was
  });

  it('BS-9: serves many requests at once while it is renewed, early or late, with one call to the provider', async () => {
    const { page } = browser;
    await page.goto(`${app.url}/account`);
    await ready();
    const many = `Promise.all(Array.from({ length: 20 }, () => client.fetch('/api').then(({ status }) => status)))`;

    clock.advance(3570); // good for half a minute
    expect(new Set(Object(await page.evaluate(many)))).toEqual(new Set([200]));
    await expect.poll(() => renewals(provider).length).toBe(1);
    clock.advance(3700); // over
    expect(new Set(Object(await page.evaluate(many)))).toEqual(new Set([200]));

    expect(renewals(provider)).toHaveLength(2);
    expect(await authenticated()).toBe(true);
  });

  it('BS-1: is out of reach of a page of another site', async () => {
    const { page } = browser;
    await page.goto(`${app.url}/account`);
    const elsewhere = app.url.replace('localhost', '127.0.0.1');
    await page.goto(`${elsewhere}/client.js`);

    await page.evaluate(
      `fetch('${app.url}/auth/v2/logout', { method: 'POST', mode: 'no-cors', credentials: 'include' })`,
    );
    await page.setContent(
      `<form method="post" action="${app.url}/auth/v2/logout"><button>x</button></form>`,
    );
    await page.click('button');
    await page.goto(`${app.url}/account`);

    expect(await page.textContent('h1')).toBe(alice.sub);
    expect(await app.service.listSessions(alice.sub)).toHaveLength(1);
  });

  it('FP-1: begins by a form of another site, which brings the login cookie and no session cookie', async () => {
    const { page, context } = browser;
    const posting = await startBrowserApp({
      provider,
      controllers: [Site],
      options: { responseMode: 'form_post' },
    });
    const logIn = async (path: string): Promise<void> => {
      await page.goto(posting.url + path);
      expect(new URL(page.url()).origin).toBe(new URL(provider.issuer).origin);
      await page.click('button');
      await page.waitForURL(`${posting.url}/account`);
    };

    await logIn('/account');
    const [{ id: first } = { id: '' }] = await posting.service.listSessions(alice.sub);
    await logIn('/auth/v2/login?return_to=/account');

    expect(await page.textContent('h1')).toBe(alice.sub);
    const sessions = await posting.service.listSessions(alice.sub);
    expect(sessions.map(({ id }) => id)).toEqual([expect.not.stringContaining(first)]);
    const cookies = (await context.cookies()).map(({ name }) => name);
    expect(cookies).toContain('oidc-session');
    expect(cookies.join()).not.toContain('oidc-login');
    await posting.close();
  });
});
