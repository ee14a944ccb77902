import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { adapters, startApp, type TestApp } from '../support/app.js';
import { FakeClock } from '../support/fake-clock.js';
import { answerWith } from '../support/faults.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { postToken } from '../support/open-login.js';
import { withKid } from '../support/signing-keys.js';

const FORGED = '[Nest] 1  - LOG [Login] admin logged in';

const texts: [name: string, text: string][] = [
  ['CR and LF', `x\r\n${FORGED}`],
  ['LF', `x\n${FORGED}`],
  ['ANSI', `x\u001b[1A\u001b[2K${FORGED}`],
  ['ANSI of 8 bits', `x\u009b2K${FORGED}`],
  ['U+2028', `x\u2028${FORGED}`],
  ['U+2029', `x\u2029${FORGED}`],
  ['NEL', `x\u0085${FORGED}`],
  ['NUL and DEL', `x\u0000\u007f${FORGED}`],
  ['100 kB', `x${'a'.repeat(100_000)}`],
];

const query = (parameters: Record<string, string>): string =>
  new URLSearchParams(parameters).toString();

describe.each(adapters)('lines of the log on %s', (adapter) => {
  const clock = new FakeClock();
  let provider: MisbehavingProvider;
  let app: TestApp;
  let linesBefore = 0;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    const options = { maxTokenBytes: 300_000 };
    app = await startApp({ adapter, provider, clock, options, controllers: [GuardedRoutes] });
    await request(`${app.url}/required`, { bearer: provider.accessToken() });
  });

  beforeEach(() => {
    provider.resetBehaviour();
    clock.advance(61);
    linesBefore = app.logs().length;
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  /** What was logged: whole lines of ours, short and of printable characters. */
  const expectHonestLines = (): void => {
    const lines = app.logs().slice(linesBefore);
    for (const line of lines) {
      expect(line).toMatch(/^\[Nest\] \d+ {2}- /);
      expect(line.startsWith(FORGED)).toBe(false);
      expect(line.length).toBeLessThan(2000);
      // oxlint-disable-next-line no-control-regex -- these are what is looked for
      expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
    }
  };

  it.each(texts)('LG-2: are not forged by %s in the issuer of a token', async (_name, text) => {
    const bearer = provider.accessToken({ iss: text });

    const reply = await request(`${app.url}/required`, {
      bearer: bearer.length > 15_000 ? provider.accessToken({ iss: text.slice(0, 8000) }) : bearer,
    });

    expect(reply.status).toBe(401);
    expect(app.logs().length).toBe(linesBefore + 1);
    expectHonestLines();
  });

  it.each(texts)('LG-2: are not forged by %s in the key id of a token', async (_name, text) => {
    const bearer = provider.accessToken({}, { kid: text.slice(0, 200) });

    const reply = await request(`${app.url}/required`, { bearer });

    expect(reply.status).toBe(401);
    expectHonestLines();
  });

  it.each(texts)('LG-2: are not forged by %s in the key id of a published key', async (_, text) => {
    const next = await provider.rotateKeys();
    provider.behaviour.jwks = ({ keys }) => ({
      keys: [...keys, withKid(next, text).publicJwk],
    });
    clock.advance(301);

    await request(`${app.url}/required`, { bearer: provider.accessToken() });

    expect(app.logs().slice(linesBefore).join('\n')).toContain('keys-changed');
    expectHonestLines();
  });

  it.each(texts)('LG-2: are not forged by %s in an error of the provider', async (_name, text) => {
    const body = { error: text, error_description: text, error_uri: text };

    for (const status of [400, 401]) {
      provider.behaviour.faults.token = answerWith({ status, body });
      await postToken(app, { refresh_token: 'any-refresh-token' });
      clock.advance(61);
    }

    expect(app.logs().length).toBeGreaterThan(linesBefore);
    expectHonestLines();
  });

  it.each(texts)(
    'LG-2: are not forged by %s in the issuer of the metadata',
    async (_name, text) => {
      provider.behaviour.metadata = (document) => ({ ...document, issuer: text });
      const other = await startApp({ adapter, provider });
      linesBefore = app.logs().length;
      await request(`${other.url}/auth/v2/login?redirect_uri=http://localhost:53100/callback`);
      await other.close();

      expect(app.logs().slice(linesBefore).join('\n')).toContain('names the issuer');
      expectHonestLines();
    },
  );

  it.each(texts)('LG-2: are not forged by %s in a request', async (_name, text) => {
    const value = text.slice(0, 1000);
    const url = `${app.url}/auth/v2`;

    await request(
      `${url}/callback?${query({ state: value, iss: value, error: value, code: value })}`,
    );
    await request(`${url}/login?${query({ redirect_uri: value, prompt: value, scope: value })}`);
    await request(`${url}/logout?${query({ post_logout_redirect_uri: value, state: value })}`);
    await postToken(app, { grant_type: value, code: value, redirect_uri: value });
    await request(`${url}/revoke`, { form: { token: value, token_type_hint: value } });

    expectHonestLines();
  });
});
