import { Controller, Get } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { adapters, startApp, type TestApp } from '../support/app.js';
import { startProvider, type TestProvider } from '../support/provider.js';
import { setCookies } from '../support/set-cookie.js';
import { UserAgent } from '../support/user-agent.js';

const PUBLIC = 'https://app.example.org';
const PAGE = 'https://app.example.org/callback';
const LOGIN = `${PUBLIC}/api/auth/v2/login?redirect_uri=https%3A%2F%2Fapp.example.org%2Fcallback`;
const TOKEN = `${PUBLIC}/api/auth/v2/token`;

@Controller('/api/auth/v2/auth-ports')
class AuthPortsController {
  @Get()
  ports(): { valid_ports: number[] } {
    return { valid_ports: [53100, 53101] };
  }
}

describe.each(adapters)("the reference's own example on %s", (adapter) => {
  let provider: TestProvider;
  let app: TestApp;

  /** A browser for which the application is behind a proxy that ends TLS. */
  const browser = (): UserAgent => new UserAgent(undefined, { [PUBLIC]: app.url });

  beforeAll(async () => {
    provider = await startProvider({ redirectUris: [PAGE] });
    app = await startApp({
      adapter,
      provider,
      options: {
        publicUrl: PUBLIC,
        allowedRedirectUris: [PAGE],
        routes: { prefix: '/api' },
      },
      controllers: [AuthPortsController],
    });
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  it('AR-4: logs a browser in that posts only code and redirect_uri, by its login cookie', async () => {
    const agent = browser();

    const back = new URL(await agent.loginAt(provider, LOGIN, 'alice'));
    const cookies = Object.keys(agent.cookies(PUBLIC));
    const code = back.searchParams.get('code') ?? '';
    const reply = await agent.post(TOKEN, { code, redirect_uri: PAGE });

    expect(`${back.origin}${back.pathname}`).toBe(PAGE);
    expect(cookies).toEqual([expect.stringMatching(/^__Host-oidc-login\.[\w-]{22,}$/)]);
    expect(reply.status).toBe(200);
    expect(reply.json()).toMatchObject({ token_type: 'Bearer', expires: expect.any(Number) });
    const claims = await app.service.verify(String(reply.json()['access_token']));
    expect(claims['preferred_username']).toBe('alice');
    expect(agent.cookies(PUBLIC)).toEqual({});
    expect(setCookies(reply).map(({ attributes }) => attributes)).toEqual([
      { path: '/', 'max-age': '0', httponly: '', samesite: 'Lax', secure: '' },
    ]);
  });

  it('AR-4: refuses the same post from a browser that did not begin the login', async () => {
    const back = new URL(await browser().loginAt(provider, LOGIN, 'alice'));
    provider.clearRequests();

    const code = back.searchParams.get('code') ?? '';
    const reply = await browser().post(TOKEN, { code, redirect_uri: PAGE });

    expect(reply.status).toBe(400);
    expect(reply.json()['error']).toBe('invalid_grant');
    expect(provider.requests).toEqual([]);
  });

  it("answers at a route of the host's own beside ours", async () => {
    const ports = await browser().get(`${PUBLIC}/api/auth/v2/auth-ports`);
    const unknown = await browser().get(`${PUBLIC}/api/auth/v2/other`);

    expect(ports.status).toBe(200);
    expect(ports.json()).toEqual({ valid_ports: [53100, 53101] });
    expect(unknown.status).toBe(404);
  });
});
