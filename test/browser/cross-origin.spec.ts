import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, request as send } from 'node:http';
import { type Server, createServer } from 'node:https';

import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { TestApp } from '../support/app.js';
import { PageRoutes, startBrowserApp } from '../support/browser-sessions.js';
import { portOf } from '../support/listening-port.js';
import {
  type MisbehavingProvider,
  startMisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { selfSignedCertificate } from '../support/self-signed-certificate.js';
import { testKey } from '../support/signing-keys.js';
import { alice } from '../support/users.js';
import { bundledClient } from './bundled-client.js';
import { hasChromium, launchChromium } from './chromium.js';

const API = 'https://api.example.org';
const FRONT_END = 'https://app.example.org';
/** Of the same site, but nobody's that the API knows. */
const NEIGHBOUR = 'https://other.example.org';
/** Of another site; the host lets its scripts read answers, which is all that a host can do. */
const STRANGER = 'https://shop.example.net';

const page = `<!doctype html><title>page</title><script type="module">
import * as client from '/client.js';
window.client = client;
window.told = [];
client.configure({ routes: '${API}/auth/v2' });
client.onChange((change) => window.told.push(change.authenticated));
document.title = 'ready';
</script>`;

const ready = async (at: Page, url: string) => {
  await at.goto(url);
  await at.waitForFunction("document.title === 'ready'");
};
const authenticated = (at: Page) =>
  at.evaluate('client.session().then((state) => state.authenticated, () => "unreadable")');

describe.skipIf(!hasChromium)('a front end on another origin than its API', () => {
  let provider: MisbehavingProvider;
  let app: TestApp;
  let front: Server;
  let chromium: Browser;
  let script: string;
  /** Requests to the API, by who sent them. */
  const seen: { origin: string | undefined; site: unknown; hasCookie: boolean }[] = [];

  /** TLS in front of everything: the API for its own name, the page for the others. */
  function serve(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { method = 'GET', headers, url = '/' } = incoming;
    if (`https://${headers.host}` !== API) {
      const isScript = url === '/client.js';
      outgoing.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
      outgoing.end(isScript ? script : page);
      return;
    }
    const { origin, cookie, 'sec-fetch-site': site } = headers;
    seen.push({ origin, site, hasCookie: cookie !== undefined });
    const target = app.url.replace('localhost', '127.0.0.1') + url;
    const upstream = send(target, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(outgoing);
    });
    incoming.pipe(upstream);
  }

  beforeAll(async () => {
    script = await bundledClient();
    provider = await startMisbehavingProvider();
    app = await startBrowserApp({
      provider,
      controllers: [PageRoutes],
      options: { publicUrl: API },
      session: { origins: [FRONT_END], returnTo: [FRONT_END] },
      configure: (nest) => nest.enableCors({ origin: [FRONT_END, STRANGER], credentials: true }),
    });
    const key = await testKey('RS256');
    const cert = `-----BEGIN CERTIFICATE-----\n${selfSignedCertificate(key, 'test').toString('base64')}\n-----END CERTIFICATE-----\n`;
    const pem = key.privateKey.export({ type: 'pkcs8', format: 'pem' });
    front = createServer({ key: pem, cert }, serve);
    front.listen(0, '127.0.0.1');
    await once(front, 'listening');
    const there = `127.0.0.1:${portOf(front)}`;
    chromium = await launchChromium(
      `--host-resolver-rules=MAP *.example.org:443 ${there}, MAP *.example.net:443 ${there}`,
    );
  });

  beforeEach(() => {
    seen.length = 0;
    PageRoutes.changes.length = 0;
  });

  afterEach(async () => {
    for (const context of chromium.contexts()) await context.close();
  });

  afterAll(async () => {
    await chromium.close();
    front.close();
    front.closeAllConnections();
    await app.close();
    await provider.close();
  });

  /** Logged in from the front end, with the browser back there. */
  async function loggedIn(): Promise<Page> {
    const context = await chromium.newContext({ ignoreHTTPSErrors: true });
    const at = await context.newPage();
    await ready(at, `${FRONT_END}/orders?page=2`);
    expect(await authenticated(at)).toBe(false);
    await at.evaluate('client.login()');
    await at.waitForFunction("document.title === 'ready' && window.told.length === 0");
    return at;
  }

  it('logs in, reads, changes and logs out, in two tabs', async () => {
    const at = await loggedIn();
    expect(at.url()).toBe(`${FRONT_END}/orders?page=2`);
    expect(await authenticated(at)).toBe(true);
    const tab = await at.context().newPage();
    await ready(tab, FRONT_END);
    expect(await authenticated(tab)).toBe(true);

    expect(
      await at.evaluate(`client.fetch('${API}/claims').then((one) => one.json())`),
    ).toMatchObject({ sub: alice.sub, iss: API });
    for (const method of ['POST', 'PUT', 'DELETE']) {
      await at.evaluate(`client.fetch('${API}/change', { method: '${method}' })`);
    }
    expect(PageRoutes.changes).toEqual([alice.sub, alice.sub, alice.sub]);
    const cookies = await at.context().cookies(API);
    expect(cookies.find(({ name }) => name === '__Host-oidc-session')).toMatchObject({
      domain: 'api.example.org',
      httpOnly: true,
      secure: true,
      sameSite: 'Lax',
    });
    await at.evaluate('client.logout()').catch(() => undefined); // the page goes away
    await tab.waitForFunction('told.at(-1) === false');
  });

  it('BS-1: leaves origins of the same site that are not listed outside', async () => {
    const at = await loggedIn();
    await ready(at, NEIGHBOUR);

    expect(await authenticated(at)).toBe('unreadable'); // no CORS
    const forged = { method: 'POST', mode: 'no-cors', credentials: 'include' };
    await at.evaluate(`fetch('${API}/change', ${JSON.stringify(forged)})`);

    expect(seen.at(-1)).toEqual({ origin: NEIGHBOUR, site: 'same-site', hasCookie: true });
    expect(PageRoutes.changes).toEqual([]);
  });

  it('gets no cookie to pages of another site, whatever the host allows', async () => {
    const at = await loggedIn();
    await ready(at, STRANGER);

    expect(await authenticated(at)).toBe(false);
    const status = `client.fetch('${API}/claims').then((answer) => answer.status)`;
    expect(await at.evaluate(status)).toBe(401);

    const theirs = seen.filter(({ origin }) => origin === STRANGER);
    expect(theirs.length).toBeGreaterThan(0);
    expect(theirs.filter(({ hasCookie }) => hasCookie)).toEqual([]);
  });
});
