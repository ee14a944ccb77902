import { describe, expect, it } from 'vitest';

import { adapters, startApp } from '../support/app.js';
import { clientCredentials } from '../support/client-credentials.js';
import { request } from '../support/http-request.js';
import { startMisbehavingProvider } from '../support/misbehaving-provider.js';
import { handleForm, LOOPBACK_REDIRECT, openLogin, postToken } from '../support/open-login.js';
import { startProvider } from '../support/provider.js';
import { expectRefusal } from '../support/refusal.js';
import { UserAgent } from '../support/user-agent.js';

const SECRET = 'a:b%c+d é and at least 32 characters';
const ENCODED_SECRET = 'a%3Ab%25c%2Bd+%C3%A9+and+at+least+32+characters'; // RFC 6749 appendix B
const CLIENT_ID = 'my client:with+odd%characters';
const ENCODED_ID = 'my+client%3Awith%2Bodd%25characters';

const odd = { clientId: CLIENT_ID, clientSecret: SECRET };
const methods = ['client_secret_basic', 'client_secret_post'] as const;

describe.each(adapters)('client authentication on %s', (adapter) => {
  it('TK-7: form-encodes id and secret before Basic', async () => {
    const provider = await startMisbehavingProvider(odd);
    const app = await startApp({ adapter, provider, options: { clientId: CLIENT_ID } });

    const reply = await postToken(app, handleForm(await openLogin(app)));

    expect(reply.status).toBe(200);
    const [sent] = provider.requestsTo('token');
    const pair = Buffer.from(`${ENCODED_ID}:${ENCODED_SECRET}`).toString('base64');
    expect(sent?.headers.authorization).toBe(`Basic ${pair}`);
    expect(sent?.body).not.toHaveProperty('client_secret');
    await app.close();
    await provider.close();
  });

  it.each(methods)('TK-7: uses %s everywhere when told so', async (clientAuthentication) => {
    const provider = await startMisbehavingProvider(odd);
    const options = { clientId: CLIENT_ID, clientAuthentication };
    const app = await startApp({ adapter, provider, options });
    const login = await openLogin(app, { query: { offline_access: 'true' } });

    const code = await postToken(app, handleForm(login));
    const token = String(code.json()['refresh_token']);
    const refresh = await postToken(app, { refresh_token: token });
    const device = await request(`${app.url}/auth/v2/device`, { form: {} });
    const poll = await postToken(app, { device_code: String(device.json()['device_code']) });
    const revoke = await request(`${app.url}/auth/v2/revoke`, { form: { token } });

    expect([code, refresh, device, revoke].map(({ status }) => status)).toEqual([
      200, 200, 200, 200,
    ]);
    expectRefusal(poll, 400, 'authorization_pending');
    const posts = provider.requests.filter(({ method }) => method === 'POST');
    expect(posts).toHaveLength(5);
    for (const sent of posts) {
      const { method, id, secret } = clientCredentials(sent);
      expect({ method, id, secret }).toEqual({
        method: clientAuthentication,
        id: CLIENT_ID,
        secret: SECRET,
      });
    }
    await app.close();
    await provider.close();
  });

  it.each([
    [undefined, 'client_secret_basic'],
    [['client_secret_post', 'client_secret_basic'], 'client_secret_basic'],
    [['client_secret_post'], 'client_secret_post'],
    [['private_key_jwt', 'client_secret_post'], 'client_secret_post'],
    [['private_key_jwt'], 'client_secret_basic'],
  ])('TK-7: follows metadata that list %j: %s', async (listed, expected) => {
    const provider = await startMisbehavingProvider({
      ...odd,
      behaviour: {
        metadata: ({ token_endpoint_auth_methods_supported: _gone, ...document }) =>
          listed === undefined
            ? document
            : { ...document, token_endpoint_auth_methods_supported: listed },
      },
    });
    const app = await startApp({ adapter, provider, options: { clientId: CLIENT_ID } });

    const reply = await postToken(app, handleForm(await openLogin(app)));

    expect(reply.status).toBe(200);
    const [sent] = provider.requestsTo('token').map(clientCredentials);
    expect(sent?.method).toBe(expected);
    await app.close();
    await provider.close();
  });

  it.each([
    ['no secret', { clientSecret: undefined }],
    ['clientAuthentication: none', { clientAuthentication: 'none' as const }],
  ])('TK-7: sends the id alone with %s', async (_, options) => {
    const provider = await startMisbehavingProvider();
    const app = await startApp({ adapter, provider, options });

    const reply = await postToken(app, handleForm(await openLogin(app)));

    expect(reply.status).toBe(200);
    const [sent] = provider.requestsTo('token');
    expect(sent?.headers.authorization).toBeUndefined();
    expect(sent?.body).toMatchObject({ client_id: provider.clientId });
    expect(sent?.body).not.toHaveProperty('client_secret');
    await app.close();
    await provider.close();
  });

  it('TK-7: lets no caller speak as another client', async () => {
    const provider = await startMisbehavingProvider();
    const app = await startApp({ adapter, provider });
    const foreign = { client_id: 'other', client_secret: 'of-the-caller' };

    const reply = await request(`${app.url}/auth/v2/token`, {
      form: { ...handleForm(await openLogin(app)), ...foreign },
      headers: { authorization: `Basic ${Buffer.from('other:of-the-caller').toString('base64')}` },
    });

    expect(reply.status).toBe(200);
    const [sent] = provider.requestsTo('token').map(clientCredentials);
    expect(sent).toMatchObject({ id: provider.clientId, secret: provider.clientSecret });
    expect(provider.requestsTo('token')[0]?.rawBody).not.toContain('other');
    await app.close();
    await provider.close();
  });
});

describe.each(methods)('client authentication at the real provider by %s', (clientAuth) => {
  it('TK-7: proves a client with an odd secret', async () => {
    const ascii = SECRET.replace('é', 'e'); // all that it accepts (RFC 6749 appendix A.2)
    const provider = await startProvider({ clientAuth, clientSecret: ascii });
    const options = { clientAuthentication: clientAuth };
    const app = await startApp({ provider, options });
    const url = `${app.url}/auth/v2/login?redirect_uri=${encodeURIComponent(LOOPBACK_REDIRECT)}`;
    const back = new URL(await new UserAgent().loginAt(provider, url, 'alice'));
    const state = back.searchParams.get('state') ?? '';

    const reply = await postToken(app, {
      code: back.searchParams.get('code') ?? '',
      redirect_uri: LOOPBACK_REDIRECT,
      code_verifier: state.slice(state.lastIndexOf('|') + 1),
    });

    expect({ status: reply.status, ...reply.json() }).toMatchObject({ status: 200 });
    await app.close();
    await provider.close();
  });
});
