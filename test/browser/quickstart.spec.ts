import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { modes } from '../../sample/quickstart/src/mode.js';
import { type Quickstart, startQuickstart } from '../../sample/quickstart/src/start-quickstart.js';
import { withoutRuntimeWarning } from '../../sample/quickstart/src/identity-provider/runtime-warning.js';
import { welcome } from '../../sample/quickstart/src/welcome.js';
import { freePort } from '../support/free-port.js';
import { type Browser, allow, enter, hasChromium, openBrowser } from './chromium.js';

describe.skipIf(!hasChromium)('the quickstart page', () => {
  let quickstart: Quickstart;
  let browser: Browser;
  let page: Browser['page'];
  let context: Browser['context'];
  let problems: Browser['problems'];

  beforeEach(async () => {
    quickstart = await startQuickstart({
      port: await freePort(),
      idpPort: await freePort(),
      partnerPort: await freePort(),
      store: 'memory://',
      quiet: true,
    });
    browser = await openBrowser();
    ({ page, context, problems } = browser);
    await page.goto(quickstart.url);
  });

  afterEach(async () => {
    await browser.close();
    await quickstart.close();
  });

  async function login(user: string): Promise<void> {
    await page.click('#login-default');
    await enter(page, user);
    await allow(page);
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
    await page.locator('#login-default').waitFor();
    expect(await page.evaluate('sessionStorage.length')).toBe(0);
    await page.click('#call-me');
    await page.locator('#response', { hasText: '401' }).waitFor();
    expect(problems).toEqual([]);
  });

  it('keeps scripts away from the login cookie, and refuses a user without the role', async () => {
    await page.click('#login-default');
    const cookies = await context.cookies(quickstart.url);
    const loginCookie = cookies.find(({ name }) => name.startsWith('oidc-login.'));
    expect(loginCookie).toMatchObject({ httpOnly: true, secure: false, sameSite: 'Lax' });

    await enter(page, 'bob');
    await allow(page);
    await page.getByText('You are logged in.').waitFor();
    await page.click('#call-admin');

    await page.locator('#response', { hasText: '403' }).waitFor();
    const left = await context.cookies(quickstart.url);
    expect(left.filter(({ name }) => name.includes('oidc-login'))).toEqual([]);
    expect(problems).toEqual([]);
  });

  it.each([
    ['default', 'alice', 'Example Identity'],
    ['partner', 'dave', 'Partner Identity'],
  ])('logs a device in by %s through a second window', async (name, user, title) => {
    await page.click(`#device-${name}`);
    await page.locator('#user-code').waitFor();
    const second = await context.newPage();
    await second.goto((await page.getAttribute('#device-link', 'href')) ?? '');
    await second.click('#submit'); // the code is right
    await enter(second, user);
    await allow(second);

    await page.getByText('You are logged in by the other device.').waitFor({ timeout: 30_000 });

    expect(await page.textContent('#username')).toBe(user);
    expect(await page.textContent('#provider')).toBe(title);
    expect(problems).toEqual([]);
  });

  it('asks once whether the application may have what it asks for, and again where the request says so', async () => {
    await login('alice'); // asked, and allowed
    await page.click('#logout');
    await page.click('#submit');
    await page.locator('#login-default').waitFor();

    await page.click('#login-default');
    await enter(page, 'alice');
    await page.getByText('You are logged in.').waitFor();

    const callback = encodeURIComponent('http://localhost:53100/callback');
    await page.goto(`${quickstart.url}/api/auth/v2/login?redirect_uri=${callback}&prompt=consent`);
    await page.getByRole('heading', { name: 'Allow access?' }).waitFor();
    expect(problems).toEqual([]);
  });

  it('prints lines that may be pasted whole: they wait for the login of the device', async () => {
    const text = welcome(quickstart);
    const lines = text.slice(text.indexOf('  field()'), text.indexOf('  # refresh'));
    // Says when it has asked for tokens, so that the login comes after the first answer.
    const curl =
      'curl() { command curl "$@"; case "$*" in *device_code=*) echo asked >&2 ;; esac; }';
    const terminal = spawn('bash', ['-c', `${curl}\n${lines}`], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = once(terminal, 'close');
    let output = '';
    terminal.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    for await (const chunk of terminal.stderr) if (String(chunk).includes('asked')) break;
    const [, address = ''] = /^Open (\S+)$/m.exec(output) ?? [];

    await page.goto(address);
    await page.click('#submit'); // the code is right
    await enter(page, 'alice');
    await allow(page);
    await ended;

    expect(output).toContain('401');
    expect(output).toContain('"access_token"');
    expect(output).not.toContain('authorization_pending');
    expect(output).toContain('"username":"alice"');
    expect(output).toContain('Welcome, administrator alice.');
    expect(output).toContain('Users of this provider may not call this');
  });
});

describe.skipIf(!hasChromium).each(modes)('the two providers of the page in %s mode', (mode) => {
  let quickstart: Quickstart;
  let browser: Browser;
  let page: Browser['page'];

  beforeAll(async () => {
    quickstart = await startQuickstart({
      port: await freePort(),
      idpPort: await freePort(),
      partnerPort: await freePort(),
      mode,
      ...(mode === 'broker' && { store: 'memory://' }),
      quiet: true,
    });
  });

  afterAll(() => quickstart.close());

  beforeEach(async () => {
    browser = await openBrowser();
    ({ page } = browser);
    await page.goto(quickstart.url);
  });

  afterEach(() => browser.close());

  const called = async (path: string): Promise<string | null> => {
    await page.click(`#call-${path}`);
    await page.locator('#response p', { hasText: `GET /api/${path} ` }).waitFor();
    return page.locator('#response p strong').textContent();
  };

  it('are those that the application lists', async () => {
    await page.locator('#login-partner').waitFor();

    expect(await page.locator('#logins button').allTextContents()).toEqual([
      'Log in with Example Identity',
      'Log in with Partner Identity',
    ]);
  });

  it.each([
    {
      name: 'default',
      title: 'Example Identity',
      user: 'alice',
      may: { admin: '200 OK', partners: '403 Forbidden' },
    },
    {
      name: 'partner',
      title: 'Partner Identity',
      user: 'carol', // an administrator, says the partner, which is not its to say
      may: { admin: '403 Forbidden', partners: '200 OK' },
    },
  ])('log in and out: $title', async ({ name, title, user, may }) => {
    const index = ['default', 'partner'].indexOf(name);
    const issuer = quickstart.identityProviders[index]?.issuer;
    await page.click(`#login-${name}`);
    await page.locator('.brand', { hasText: title }).waitFor();
    expect(new URL(page.url()).origin).toBe(issuer);
    await enter(page, user);
    await allow(page);
    await page.getByText('You are logged in.').waitFor();

    expect(await page.textContent('#username')).toBe(user);
    expect(await page.textContent('#provider')).toBe(title);
    expect(await called('me')).toBe('200 OK');
    expect(await called('admin')).toBe(may.admin);
    expect(await called('partners')).toBe(may.partners);

    await page.click('#refresh');
    await page.getByText('The token was refreshed.').waitFor();
    expect(await page.textContent('#provider')).toBe(title);

    await page.click('#logout');
    await page.getByRole('heading', { name: 'Log out?' }).waitFor();
    expect(new URL(page.url()).origin).toBe(issuer);
    await page.click('#submit');
    await page.getByText('You are logged out.').waitFor();
    expect(await called('me')).toBe('401 Unauthorized');
    expect(browser.problems).toEqual([]);
  });

  it('keep their sessions apart, though cookies know no ports', async () => {
    for (const [name, user] of Object.entries({ default: 'bob', partner: 'dave' })) {
      const tab = await browser.context.newPage();
      await tab.goto(quickstart.url);
      await tab.click(`#login-${name}`);
      await enter(tab, user);
      await allow(tab);
      await tab.getByText('You are logged in.').waitFor();
    }

    await page.click('#login-default'); // needs no password: that session lives on

    await page.getByText('You are logged in.').waitFor();
    expect(await page.textContent('#username')).toBe('bob');
  });
});

describe('the warning about Node 20', () => {
  it('is left out, and no other', () => {
    const said: unknown[] = [];
    const warn = withoutRuntimeWarning((...args) => said.push(...args));

    warn(
      'oidc-provider WARNING: Unsupported runtime. Use Node.js v22.x LTS, or a later LTS release.',
    );
    warn('oidc-provider WARNING: something else');
    warn(new Error('no text'));

    expect(said).toEqual(['oidc-provider WARNING: something else', expect.any(Error)]);
  });
});
