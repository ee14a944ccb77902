import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { adapters, startApp, type TestApp } from '../support/app.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';
import { expectRefusal } from '../support/refusal.js';

const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

const fieldOfGrant = {
  authorization_code: 'code',
  refresh_token: 'refresh_token',
  [DEVICE]: 'device_code',
  [EXCHANGE]: 'subject_token',
};
const fields = Object.values(fieldOfGrant);
const others = { redirect_uri: 'http://localhost:53100/callback', code_verifier: 'of-the-login' };

/** All sets of two and more of the four fields. */
const ambiguous = [...Array(16).keys()]
  .map((bits) => fields.filter((_, at) => (bits & (1 << at)) !== 0))
  .filter((set) => set.length > 1);

const contradictions = Object.keys(fieldOfGrant).flatMap((grantType) =>
  Object.entries(fieldOfGrant)
    .filter(([own]) => own !== grantType)
    .map(([, field]) => ({ grantType, field })),
);

describe.each(adapters)('the choice of a grant on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    app = await startApp({ adapter, provider });
  });

  afterEach(() => provider.clearRequests());

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  it.each(ambiguous)('TK-1: refuses several of them at once: %s %s %s %s', async (...set) => {
    const form = Object.fromEntries(set.filter(Boolean).map((field) => [field, `a-${field}`]));

    const reply = await postToken(app, { ...form, ...others });

    expectRefusal(reply, 400, 'invalid_request');
    expect(provider.requests).toEqual([]);
  });

  it('TK-1: refuses a request that holds none of them', async () => {
    for (const form of [{}, others, { grant_type: 'authorization_code' }, { code: '' }]) {
      expectRefusal(await postToken(app, form), 400, 'invalid_request');
    }

    expect(provider.requests).toEqual([]);
  });

  it.each(contradictions)(
    'TK-1: refuses grant_type $grantType with $field',
    async ({ grantType, field }) => {
      const reply = await postToken(app, { grant_type: grantType, [field]: 'any', ...others });

      expectRefusal(reply, 400, 'invalid_request');
      expect(provider.requests).toEqual([]);
    },
  );

  it.each([
    'password',
    'client_credentials',
    'implicit',
    'Authorization_Code',
    'authorization_code ',
    'urn:ietf:params:oauth:grant-type:jwt-bearer',
    '__proto__',
    'constructor',
    'toString',
  ])('TK-1: does not know the grant type "%s"', async (grantType) => {
    const reply = await postToken(app, { grant_type: grantType, refresh_token: 'any' });

    expectRefusal(reply, 400, 'unsupported_grant_type');
    expect(provider.requests).toEqual([]);
  });

  it('TK-1: offers no token exchange without a broker', async () => {
    const exchange = { subject_token: provider.accessToken() };

    const bare = await postToken(app, exchange);
    const named = await postToken(app, { ...exchange, grant_type: EXCHANGE });

    expectRefusal(bare, 400, 'unsupported_grant_type');
    expectRefusal(named, 400, 'unsupported_grant_type');
    expect(provider.requests).toEqual([]);
  });

  it('TK-1: takes what it is from the fields when there is no grant type', async () => {
    const login = await openLogin(app, { query: { offline_access: 'true' } });
    const { grant_type: _type, ...form } = handleForm(login);

    const first = await postToken(app, form);
    const second = await postToken(app, { refresh_token: String(first.json()['refresh_token']) });

    expect([first.status, second.status]).toEqual([200, 200]);
    expect(provider.requestsTo('token').map(({ body }) => body['grant_type'])).toEqual([
      'authorization_code',
      'refresh_token',
    ]);
  });

  it('TK-1: counts a field without a value as left out', async () => {
    const login = await openLogin(app);

    const reply = await postToken(app, { ...handleForm(login), refresh_token: '', grant_type: '' });

    expect(reply.status).toBe(200);
  });
});

describe.each(adapters)('grants that are switched off on %s', (adapter) => {
  const disabled = [
    { option: 'authorizationCode', form: { code: 'any', grant_type: 'authorization_code' } },
    { option: 'refresh', form: { refresh_token: 'any', grant_type: 'refresh_token' } },
    { option: 'refresh', form: { 'refresh-token': 'any' } },
    { option: 'device', form: { device_code: 'any', grant_type: DEVICE } },
    { option: 'device', form: { 'device-code': 'any' } },
  ];
  let provider: MisbehavingProvider;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
  });

  afterEach(() => provider.clearRequests());

  afterAll(() => provider.close());

  it.each(disabled)('TK-7: refuses $form with grants.$option: false', async ({ option, form }) => {
    const app = await startApp({ adapter, provider, options: { grants: { [option]: false } } });

    const reply = await postToken(app, { ...form, ...others });

    expectRefusal(reply, 400, 'unsupported_grant_type');
    expect(provider.requests).toEqual([]);
    await app.close();
  });

  it('TK-7: leaves the other grants on', async () => {
    const app = await startApp({
      adapter,
      provider,
      options: { grants: { refresh: false, device: false } },
    });
    const login = await openLogin(app);

    const reply = await postToken(app, handleForm(login));

    expect(reply.status).toBe(200);
    await app.close();
  });
});
