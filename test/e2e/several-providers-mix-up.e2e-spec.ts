import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { OidcAuthModule } from '../../lib/index.js';
import { type TestApp, flowAdapters } from '../support/app.js';
import { type Reply, request } from '../support/http-request.js';
import type { MisbehavingProvider } from '../support/misbehaving-provider.js';
import {
  type OpenLogin,
  LOOPBACK_REDIRECT,
  clientPkce,
  codeForm,
  handleForm,
  openLogin,
  postToken,
} from '../support/open-login.js';
import { wayBack } from '../support/own-callback.js';
import { expectRefusal } from '../support/refusal.js';
import {
  type TwoProviders,
  entryOf,
  startTwoProviderApp,
  startTwoProviders,
} from '../support/two-providers.js';

const CLIENT_REDIRECT = 'https://client.example.org/back';

const variants = flowAdapters.flatMap((adapter) =>
  (['confidential', 'public'] as const).flatMap((client) => [
    { adapter, client, broker: false, mode: 'passthrough' },
    { adapter, client, broker: true, mode: 'broker' },
  ]),
);

/** A code of the honest provider's, as the browser brings it to a login at the malicious one. */
const mixedUp = (begun: OpenLogin, { code }: OpenLogin): OpenLogin => ({ ...begun, code });

/** `main` is honest, `staff` is malicious. */
describe.each(variants)(
  'mix-up of identity providers: $client clients, $mode mode, $adapter',
  ({ adapter, client, broker }) => {
    let both: TwoProviders;
    let app: TestApp;

    const isPublic = client === 'public';
    const entry = (provider: MisbehavingProvider) => {
      const { clientSecret, ...rest } = entryOf(provider);
      if (isPublic) return { ...rest, clientAuthentication: 'none' as const };
      return { ...rest, ...(clientSecret === undefined ? {} : { clientSecret }) };
    };

    beforeAll(async () => {
      both = await startTwoProviders();
      app = await startTwoProviderApp(both, {
        adapter,
        broker,
        several: { providers: { default: entry(both.main), staff: entry(both.staff) } },
        register: ({ publicUrl = '', ...options }) =>
          OidcAuthModule.forRoot({
            ...options,
            publicUrl,
            allowedRedirectUris: [CLIENT_REDIRECT, `${publicUrl}/page`],
          }),
      });
    });

    afterEach(() => {
      for (const provider of [both.main, both.staff]) {
        provider.resetBehaviour();
        provider.clearRequests();
      }
    });

    afterAll(async () => {
      await app.close();
      await Promise.all([both.main.close(), both.staff.close()]);
    });

    /** Everything that has reached the malicious provider by back channel. */
    const heard = (): string =>
      both.staff.requests
        .filter(({ method }) => method === 'POST')
        .map(({ body, headers }) => JSON.stringify([body, headers]))
        .join('\n');
    const expectNothingHeard = (...secrets: string[]): void => {
      expect(heard()).toBe('');
      for (const secret of secrets) expect(secret).not.toBe('');
    };
    const login = (provider: string, redirectUri?: string, query = {}): Promise<OpenLogin> =>
      openLogin(app, {
        query: { provider, ...query },
        ...(redirectUri === undefined ? {} : { redirectUri }),
      });

    const tokensOf = async (name: string, issuer: string) => {
      const reply = await postToken(app, { ...handleForm(await login(name)), iss: issuer });
      expect(reply.status, reply.text()).toBe(200);
      return reply.json();
    };
    const revoke = (form: Readonly<Record<string, string>>): Promise<Reply> =>
      request(`${app.url}/auth/v2/revoke`, { form });

    it('MP-1: mix-up by redirect, at our callback', async () => {
      const honest = await login('default', `${app.url}/auth/v2/callback`);
      const begun = await login('staff', `${app.url}/auth/v2/callback/staff`);
      both.staff.clearRequests();
      const mixed = mixedUp(begun, honest);

      for (const iss of [both.main.issuer, undefined]) {
        expectRefusal(
          await begun.agent.get(wayBack(mixed, both.main, { iss })),
          400,
          'invalid_request',
        );
      }
      const atHonest = { ...mixed, redirectUri: `${app.url}/auth/v2/callback` };
      expectRefusal(await begun.agent.get(wayBack(atHonest, both.main)), 400, 'invalid_request');
      expectNothingHeard(honest.code);
      expect(both.main.requestsTo('token')).toHaveLength(0);
    });

    it('MP-1: mix-up by redirect, at a loopback address', async () => {
      const mixed = mixedUp(await login('staff'), await login('default'));

      for (const more of [{}, { iss: both.main.issuer }, { iss: '' }]) {
        const reply = await postToken(app, { ...handleForm(mixed), ...more });
        expectRefusal(reply, 400, 'invalid_grant');
      }
      expectNothingHeard(mixed.code);
    });

    it("MP-1: mix-up by redirect, with a client's own PKCE", async () => {
      const { verifier, query } = await clientPkce();
      const mixed = mixedUp(
        await login('staff', CLIENT_REDIRECT, query),
        await login('default', CLIENT_REDIRECT, query),
      );
      const form = { ...codeForm(mixed), state: mixed.state, code_verifier: verifier };

      for (const more of [{}, { iss: both.main.issuer }]) {
        expectRefusal(await postToken(app, { ...form, ...more }), 400, 'invalid_grant');
      }
      expectNothingHeard(mixed.code);
    });

    it('MP-1: mix-up by redirect, on a page that sends its cookie', async () => {
      const honest = await login('default', `${app.url}/page`);
      const begun = await login('staff', `${app.url}/page`);
      const mixed = mixedUp(begun, honest);
      both.staff.clearRequests();

      for (const more of [{}, { iss: both.main.issuer }, { state: mixed.state }]) {
        const form = { ...codeForm(mixed), ...more };
        const reply = await begun.agent.post(`${app.url}/auth/v2/token`, form);
        expectRefusal(reply, 400, 'invalid_grant');
      }
      expectNothingHeard(mixed.code);
      const own = { ...codeForm(begun), iss: both.staff.issuer };
      expect((await begun.agent.post(`${app.url}/auth/v2/token`, own)).status).toBe(200);
    });

    it('MP-1: mix-up by advertised iss: metadata of another issuer are not used', async () => {
      both.staff.behaviour.metadata = (document) => ({ ...document, issuer: both.main.issuer });
      const fresh = await startTwoProviderApp(both, {
        adapter,
        broker,
        several: { providers: { default: entry(both.main), staff: entry(both.staff) } },
      });
      const query = new URLSearchParams({ provider: 'staff', redirect_uri: LOOPBACK_REDIRECT });

      const reply = await request(`${fresh.url}/auth/v2/login?${query.toString()}`);

      expectRefusal(reply, 503, 'temporarily_unavailable');
      await fresh.close();
    });

    it("MP-1: code injection with a foreign challenge: a login's verifier goes to its own provider alone", async () => {
      const victim = await login('default');
      const attacker = await login('staff');
      const injected = { ...handleForm(victim), code: attacker.code };

      for (const iss of [both.staff.issuer, both.main.issuer]) {
        const reply = await postToken(app, { ...injected, iss });
        expectRefusal(reply, 400, 'invalid_grant');
      }
      expectNothingHeard(victim.handle);
    });

    it('MP-1: another provider gets no client authentication', async () => {
      const mine = await login('staff');
      const reply = await postToken(app, { ...handleForm(mine), iss: both.staff.issuer });

      expect(reply.status, reply.text()).toBe(200);
      const secret = both.main.clientSecret ?? '';
      expect(heard()).not.toContain(secret);
      expect(heard()).not.toContain(Buffer.from(secret).toString('base64').slice(0, 20));
      expect(both.main.requestsTo('token')).toHaveLength(0);
    });

    it('MP-1: device codes go to their own provider, whatever stands before and in them', async () => {
      const honest = await request(`${app.url}/auth/v2/device`, { form: { provider: 'default' } });
      const code = String(honest.json()['device_code']);
      expect(code).toMatch(/^default~/);
      const bare = code.slice('default~'.length);
      both.staff.clearRequests();
      both.main.clearRequests();

      for (const device_code of [code, bare, `guests~${bare}`, `Staff~${bare}`, `~${bare}`]) {
        const reply = await postToken(app, { device_code });
        expect(reply.status, device_code.replace(bare, '…')).toBe(400);
      }
      expectNothingHeard(bare);
      const sent = both.main.requestsTo('token').map(({ body }) => body['device_code']);
      expect(sent).not.toContain(`guests~${bare}`);
      const other = await postToken(app, { device_code: `staff~${code}` });
      expect(other.status).toBe(400);
    });

    it('MP-6: takes no name in another writing, nor twice, and logs none as it came', async () => {
      const redirect_uri = `${app.url}/auth/v2/callback/staff`;
      const hostile = [
        'STAFF',
        'staff ',
        'ﬆaff',
        'sta\u0430ff',
        '..',
        '../staff',
        'staff/../default',
        '__proto__',
        'constructor',
        'toString',
        'staff\r\nforged: line',
        's'.repeat(4000),
        'staff|x',
        'staff~x',
        '%73taff',
        '\u202Effats',
      ];
      const linesBefore = app.logs().length;
      const replies: Reply[] = [];
      for (const provider of hostile) {
        const query = new URLSearchParams({ provider, redirect_uri }).toString();
        replies.push(
          await request(`${app.url}/auth/v2/login?${query}`),
          await request(`${app.url}/auth/v2/logout?${query}`),
          await request(`${app.url}/auth/v2/device`, { form: { provider } }),
        );
        if (!broker) {
          const form = { token: 'opaque', provider };
          replies.push(await request(`${app.url}/auth/v2/revoke`, { form }));
        }
        const path = encodeURIComponent(provider);
        if (path !== '..') {
          const callback = `${app.url}/auth/v2/callback/${path}?code=x&state=y`;
          expect([400, 404, 414]).toContain((await request(callback)).status);
        }
      }
      for (const reply of replies) expectRefusal(reply, 400, 'invalid_request');
      const twice = `provider=staff&provider=default&redirect_uri=${redirect_uri}`;
      for (const route of ['login', 'logout']) {
        expectRefusal(
          await request(`${app.url}/auth/v2/${route}?${twice}`),
          400,
          'invalid_request',
        );
      }
      const lines = app.logs().slice(linesBefore).join('\n');
      expect(lines).not.toMatch(/\nforged|\u202E/);
      expect(lines).not.toContain('s'.repeat(1000));
      expect(both.main.requests).toHaveLength(0);
      expectNothingHeard();
    });

    describe.skipIf(broker)('in passthrough mode', () => {
      it('MP-1: refresh tokens go to their own provider, whatever stands before them', async () => {
        const { refresh_token } = await tokensOf('default', both.main.issuer);
        const marked = String(refresh_token);
        const bare = marked.slice('default~'.length);
        both.main.clearRequests();

        for (const token of [`guests~${bare}`, `staff-2~${bare}`]) {
          expectRefusal(await postToken(app, { refresh_token: token }), 400, 'invalid_grant');
          expectRefusal(await revoke({ token }), 400, 'invalid_request');
        }
        for (const hint of [{}, { token_type_hint: 'refresh_token' }]) {
          expectRefusal(
            await revoke({ token: marked, provider: 'staff', ...hint }),
            400,
            'invalid_request',
          );
        }
        expect(both.main.requests).toHaveLength(0);
        expectNothingHeard(bare);
      });

      it("MP-1: another provider's access token is not sent where a caller says", async () => {
        const { access_token } = await tokensOf('default', both.main.issuer);

        const reply = await revoke({ token: String(access_token), provider: 'staff' });

        expectRefusal(reply, 400, 'invalid_request');
        expectNothingHeard(String(access_token));
      });

      it('MP-1: an opaque token goes to the provider that is named alone', async () => {
        expectRefusal(await revoke({ token: 'opaque~1' }), 400, 'invalid_request');
        expectNothingHeard();
        expect((await revoke({ token: 'Opaque~1', provider: 'default' })).status).toBe(200);
        const [sent] = both.main.requestsTo('revocation');
        expect(sent?.body['token']).toBe('Opaque~1');
        expectNothingHeard();
      });
    });
  },
);
