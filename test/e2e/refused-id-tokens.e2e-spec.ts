import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { flowAdapters, startApp, type TestApp } from '../support/app.js';
import type { JsonMembers } from '../support/compact-jws.js';
import { FakeClock } from '../support/fake-clock.js';
import { failWith, html } from '../support/faults.js';
import { request } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';
import { expectRefusal } from '../support/refusal.js';
import { alice } from '../support/users.js';

const clock = new FakeClock();
/** The module's, or the later one of openid-client, which goes by the real time. */
const now = () => Math.floor(Math.max(clock.now().getTime(), Date.now()) / 1000);

/** A claim of an ID token that does not hold, and what the log says of it. */
const claims: readonly [name: string, changes: () => JsonMembers, said: RegExp][] = [
  [
    'another issuer',
    () => ({ iss: 'https://other.example' }),
    /iss of the ID token: expected \\"http:\/\/127\.0\.0\.1:\d+\\", came \\"https:\/\/other\.example\\"/,
  ],
  [
    'a long issuer that forges a line',
    () => ({ iss: `https://other.example/\n${'x'.repeat(5000)}` }),
    /iss of the ID token: expected .*came \\"https:\/\/other\.example\/\\\\u000ax{40,80}\\"/,
  ],
  [
    'another audience',
    () => ({ aud: 'other-client' }),
    /aud of the ID token: expected \\"my-client\\", came \\"other-client\\"; see \\"clientId\\"/,
  ],
  [
    'a list of other audiences',
    () => ({ aud: ['one-client', 'two-client'] }),
    /aud of the ID token: expected \\"my-client\\", came \\"one-client\\", \\"two-client\\"/,
  ],
  [
    'another authorized party',
    () => ({ azp: 'other-client' }),
    /azp of the ID token: expected \\"my-client\\", came \\"other-client\\"/,
  ],
  ['no audience', () => ({ aud: undefined }), /aud of the ID token: came nothing/],
  [
    'an end in the past',
    () => ({ exp: 1_000_000 }),
    /exp of the ID token: expected .*, came 1000000; see .*clockToleranceSec.*; keep the clocks/,
  ],
  [
    'an end that is text',
    () => ({ exp: 'later' }),
    /exp of the ID token: came \\"later\\"; see [^;]*$/m,
  ],
  [
    'a beginning in the future',
    () => ({ nbf: now() + 900 }),
    /nbf of the ID token: expected .*give or take 5 s.*clockToleranceSec/,
  ],
  [
    'an issue in the future',
    () => ({ iat: now() + 900 }),
    /iat of the ID token: expected \\"until \d+\\", came \d+; see .*; keep the clocks/,
  ],
  ['no nonce', () => ({ nonce: undefined }), /nonce of the ID token/],
  ['another nonce', () => ({ nonce: 'nonce-of-somebody' }), /nonce of the ID token/],
  ['a subject that is no text', () => ({ sub: 7 }), /sub of the ID token/],
];

describe.each(flowAdapters)('what the log says of refused answers on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let app: TestApp;
  let linesBefore = 0;

  const logged = () => app.logs().slice(linesBefore).join('\n');

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    app = await startApp({ adapter, provider, clock });
  });

  beforeEach(() => {
    provider.resetBehaviour();
    clock.advance(3601);
    linesBefore = app.logs().length;
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  async function login(): Promise<string> {
    const form = handleForm(await openLogin(app));
    const reply = await postToken(app, form);
    expectRefusal(reply, 502, 'server_error');
    return reply.text();
  }

  it.each(claims)(
    'LG-1: an ID token with %s is named by its claim',
    async (_name, changes, said) => {
      provider.behaviour.idToken = { claims: (good) => ({ ...good, ...changes() }) };

      const answer = await login();

      expect(logged()).toMatch(said);
      expect(logged()).not.toMatch(/nonce-of-somebody|eyJ/);
      expect(logged()).not.toContain(alice.sub);
      expect(answer).not.toMatch(/other\.example|other-client/);
    },
  );

  it('LG-1: an ID token of another algorithm, with the option to set', async () => {
    const other = provider.keys.find(({ alg }) => alg === 'ES256');
    provider.behaviour.idToken = other === undefined ? {} : { signer: other };

    await login();

    expect(logged()).toMatch(
      /alg of the ID token: expected \\"RS256\\", came \\"ES256\\"; see \\"idTokenAlgorithms\\"/,
    );
  });

  it.each([
    ['id_token', { id_token: undefined }],
    ['access_token', { access_token: 7 }],
    ['access_token', { access_token: '' }],
    ['id_token', { id_token: [1] }],
  ])('LG-1: an answer without %s names it', async (member, changes) => {
    provider.behaviour.tokenResponse = (body) => ({ ...body, ...changes });

    await login();

    expect(logged()).toMatch(new RegExp(`answer without a usable ${member}`));
  });

  it.each(['device_code', 'user_code', 'verification_uri', 'expires_in'])(
    'LG-1: a device answer without %s names it',
    async (member) => {
      provider.behaviour.device = (body) => ({ ...body, [member]: undefined });

      const reply = await request(`${app.url}/auth/v2/device`, { form: {} });

      expectRefusal(reply, 502, 'server_error');
      expect(logged()).toMatch(new RegExp(`answer without a usable ${member}`));
    },
  );

  it('LG-1: a call that fails names its address', async () => {
    provider.behaviour.faults.token = failWith(503);

    const reply = await postToken(app, { refresh_token: 'any-refresh-token' });

    expectRefusal(reply, 503, 'temporarily_unavailable');
    expect(logged()).toContain(`${provider.issuer}/token`);
  });
});

describe.each(flowAdapters)('a discovery that fails on %s', (adapter) => {
  it.each([
    ['is not there', html(404)],
    ['fails', failWith(500)],
    ['is a page', html(200)],
  ])('JW-5: names its address, as it was asked, when the document %s', async (_how, fault) => {
    const provider = await startMisbehavingProvider({ path: '/realms/demo' });
    provider.behaviour.faults.discovery = fault;
    const discoveryUrl = `${provider.issuer}/?p=policy`;
    const app = await startApp({ adapter, provider: { discoveryUrl } });

    await request(`${app.url}/auth/v2/login?redirect_uri=http://localhost:53100/callback`);

    const asked = `${provider.issuer}/.well-known/openid-configuration?p=policy`;
    const lines = app.logs().filter((line) => line.includes('provider-failed'));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(asked);
    await app.close();
    await provider.close();
  });

  it('JW-5: names its address when nothing listens there', async () => {
    const app = await startApp({ adapter });

    await request(`${app.url}/auth/v2/login?redirect_uri=http://localhost:53100/callback`);

    expect(app.logs().join('\n')).toMatch(
      /provider-failed.*http:\/\/127\.0\.0\.1:9\/\.well-known\/openid-configuration/,
    );
    await app.close();
  });

  it('JW-5: a key set that fails names its own', async () => {
    const provider = await startMisbehavingProvider();
    provider.behaviour.faults.jwks = html(404);
    const app = await startApp({ adapter, provider });

    const login = handleForm(await openLogin(app));
    expectRefusal(await postToken(app, login), 502, 'server_error');

    expect(app.logs().join('\n')).toMatch(/provider-failed.*\/jwks"/);
    await app.close();
    await provider.close();
  });
});
