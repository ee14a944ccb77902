import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { adapters, startApp, type TestApp } from '../support/app.js';
import { FakeClock } from '../support/fake-clock.js';
import { request } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import {
  clientPkce,
  codeForm,
  handleForm,
  LOOPBACK_REDIRECT,
  openLogin,
  postToken,
} from '../support/open-login.js';
import { expectRefusal } from '../support/refusal.js';

const CLIENT = 'https://client.example/signed-in';
const APP_CLIENT = 'com.example.app:/signed-in';

/** Another letter at one place, of the same alphabet. */
function altered(text: string, at: number): string {
  const other = text[at] === 'A' ? 'B' : 'A';
  return text.slice(0, at) + other + text.slice(at + 1);
}

/** The same bytes in another spelling, where the last letter of a part has bits to spare. */
function respelt(part: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const last = alphabet.indexOf(part.slice(-1));
  return part.slice(0, -1) + (alphabet[last ^ 1] ?? '');
}

describe.each(adapters)('logins of clients on %s', (adapter) => {
  const clock = new FakeClock();
  const texts = new Set<unknown>();
  let provider: MisbehavingProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await startMisbehavingProvider({ clock });
    app = await startApp({
      adapter,
      provider,
      clock,
      options: { allowedRedirectUris: [CLIENT, APP_CLIENT] },
    });
  });

  afterEach(() => provider.clearRequests());

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  /** Refused with the one text, and the provider hears nothing. */
  const expectRefused = async (form: Record<string, string>): Promise<void> => {
    provider.clearRequests();
    const reply = await postToken(app, form);

    expectRefusal(reply, 400, 'invalid_grant');
    texts.add(reply.json()['error_description']);
    expect([...texts]).toHaveLength(1);
    expect(provider.requests).toEqual([]);
  };

  const expectTokens = async (form: Record<string, string>): Promise<void> => {
    const reply = await postToken(app, form);

    expect({ status: reply.status, ...reply.json() }).toMatchObject({ status: 200 });
    expect(reply.json()).toHaveProperty('access_token');
  };

  describe('with a loopback redirect', () => {
    it('TK-3: takes the handle in code_verifier, as the Python client does', async () => {
      const login = await openLogin(app, { query: { offline_access: 'true', prompt: 'consent' } });

      await expectTokens(handleForm(login));
      expect(login.state.split('|')).toEqual([expect.any(String), LOOPBACK_REDIRECT, login.handle]);
    });

    it.each(['http://127.0.0.1:1/callback', 'http://[::1]:65535/callback'])(
      'TK-3: takes the handle for %s',
      async (redirectUri) => expectTokens(handleForm(await openLogin(app, { redirectUri }))),
    );

    it('TK-3: takes the whole state, alone or beside the handle', async () => {
      const alone = await openLogin(app);
      const beside = await openLogin(app);

      await expectTokens({ ...codeForm(alone), state: alone.state });
      await expectTokens({ ...handleForm(beside), state: beside.state });
    });

    it('TK-3: refuses the code without a handle, and the handle without its code', async () => {
      const login = await openLogin(app);
      const { code: _code, ...rest } = handleForm(login);

      await expectRefused(codeForm(login));
      expectRefusal(await postToken(app, rest), 400, 'invalid_request');
      await expectTokens(handleForm(login));
    });

    it('TK-3: refuses every altered handle and leaves the login as it was', async () => {
      const login = await openLogin(app);
      const { handle } = login;
      const places = Array.from({ length: 24 }, (_, n) => Math.floor((n * handle.length) / 24));
      const parts = handle.split('.');
      const alterations = [
        ...parts.flatMap((part, at) =>
          part === '' ? [] : [parts.with(at, respelt(part)).join('.')],
        ),
        ...[...places, handle.length - 1].map((at) => altered(handle, at)),
        handle.slice(0, -1),
        handle.slice(1),
        `${handle}A`,
        `${handle}=`,
        ` ${handle}`,
        handle.toUpperCase(),
        parts.slice(0, 4).join('.'),
        parts.toReversed().join('.'),
      ];

      for (const code_verifier of alterations) {
        await expectRefused({ ...handleForm(login), code_verifier });
      }
      await expectTokens(handleForm(login));
    });

    it('TK-3: refuses an altered state', async () => {
      const login = await openLogin(app);
      const [random = '', redirectUri = '', handle = ''] = login.state.split('|');
      const other = await openLogin(app);
      const alterations = [
        [altered(random, 0), redirectUri, handle],
        [other.state.split('|')[0] ?? '', redirectUri, handle],
        [random, 'http://localhost:53101/callback', handle],
        [random, redirectUri, altered(handle, 60)],
        [random, redirectUri, other.handle],
        [random, handle],
        [handle],
        [random, redirectUri, handle, ''],
        ['', random, redirectUri, handle],
      ];

      for (const parts of alterations) {
        await expectRefused({ ...codeForm(login), state: parts.join('|') });
      }
      await expectTokens({ ...codeForm(login), state: login.state });
    });

    it('TK-3: refuses a handle sealed by another application', async () => {
      const foreign = await startApp({
        adapter,
        provider,
        options: { encryptionKeys: ['another-encryption-key-of-32-characters'] },
      });
      const login = await openLogin(foreign);

      await expectRefused(handleForm(login));
      await foreign.close();
    });

    it.each([
      'http://localhost:53101/callback',
      'http://127.0.0.1:53100/callback',
      'http://localhost:53100/callback/',
      'http://localhost:53100/callback?x=1',
      'HTTP://localhost:53100/callback',
      CLIENT,
    ])('TK-3: refuses another redirect_uri: %s', async (redirect_uri) => {
      const login = await openLogin(app);

      await expectRefused({ ...handleForm(login), redirect_uri });
      await expectRefused({ ...codeForm(login), redirect_uri, state: login.state });
      await expectTokens(handleForm(login));
    });

    it('TK-3: refuses a login after 600 s, and not before', async () => {
      const [early, late] = [await openLogin(app), await openLogin(app)];

      clock.advance(599);
      await expectTokens(handleForm(early));
      clock.advance(2);
      await expectRefused(handleForm(late));
    });

    it('TK-3: refuses a login that was redeemed, also with another code', async () => {
      const [login, other] = [await openLogin(app), await openLogin(app)];
      await expectTokens(handleForm(login));

      await expectRefused(handleForm(login));
      await expectRefused({ ...codeForm(login), state: login.state });
      await expectRefused({ ...handleForm(login), code: other.code });
      clock.advance(590);
      await expectRefused(handleForm(login));
    });
  });

  describe.each([LOOPBACK_REDIRECT, CLIENT, APP_CLIENT])(
    'with PKCE of its own at %s',
    (redirectUri) => {
      it('TK-3: takes the verifier and the state', async () => {
        const { verifier, query } = await clientPkce();
        const login = await openLogin(app, { redirectUri, query });

        await expectTokens({ ...codeForm(login), code_verifier: verifier, state: login.state });
        const [sent] = provider.requestsTo('token');
        expect(sent?.body['code_verifier']).not.toBe(verifier);
      });

      it('TK-3: refuses every other proof', async () => {
        const { verifier, query } = await clientPkce();
        const login = await openLogin(app, { redirectUri, query });
        const foreign = await clientPkce();
        const { handle, state } = login;
        const proofs: Record<string, string>[] = [
          {},
          { state },
          { code_verifier: handle },
          { code_verifier: handle, state },
          { code_verifier: verifier },
          { code_verifier: verifier, state: handle },
          { code_verifier: foreign.verifier, state },
          { code_verifier: altered(verifier, 0), state },
          { code_verifier: verifier.slice(0, 42), state },
          { code_verifier: `${verifier} `, state },
          { code_verifier: query['code_challenge'] ?? '', state },
        ];

        for (const proof of proofs) await expectRefused({ ...codeForm(login), ...proof });
        await expectTokens({ ...codeForm(login), code_verifier: verifier, state });
      });

      it('TK-3: refuses the verifier and state of another login', async () => {
        const [one, two] = [await clientPkce(), await clientPkce()];
        const first = await openLogin(app, { redirectUri, query: one.query });
        const second = await openLogin(app, { redirectUri, query: two.query });

        await expectRefused({
          ...codeForm(first),
          code_verifier: one.verifier,
          state: second.state,
        });
      });
    },
  );

  it.each([CLIENT, APP_CLIENT])(
    'TK-3: wants the state of a web client, whatever cookie names its login, at %s',
    async (redirectUri) => {
      const { verifier, query } = await clientPkce();
      const login = await openLogin(app, { redirectUri, query });
      const proof = { ...codeForm(login), code_verifier: verifier };
      const [id] = login.state.split('|');
      const headers = { cookie: `oidc-login.${id}=m1abc~binding~${login.handle}` };

      const reply = await request(`${app.url}/auth/v2/token`, { form: proof, headers });

      expectRefusal(reply, 400, 'invalid_grant');
      expect(provider.requestsTo('token')).toEqual([]);
      await expectTokens({ ...proof, state: login.state });
    },
  );

  it('TK-3: refuses a verifier where no challenge was sent', async () => {
    const { verifier } = await clientPkce();
    const login = await openLogin(app);

    await expectRefused({ ...codeForm(login), code_verifier: verifier, state: login.state });
    await expectTokens(handleForm(login));
  });

  it('TK-3: demands the redirect_uri', async () => {
    const { redirect_uri: _uri, ...form } = handleForm(await openLogin(app));

    expectRefusal(await postToken(app, form), 400, 'invalid_request');
  });
});
