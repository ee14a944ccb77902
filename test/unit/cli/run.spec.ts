import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { run } from '../../../lib/cli/run.js';
import { OidcAuthModule } from '../../../lib/index.js';
import { startApp } from '../../support/app.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../../support/misbehaving-provider.js';

async function command(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<{ code: number; text: string }> {
  let text = '';
  const code = await run(args, environment, (more) => (text += more));
  return { code, text };
}

describe('nestjs-oidc-auth keys', () => {
  it('makes another key each time, which the option takes', async () => {
    const [first, second] = [await command(['keys']), await command(['keys'])];

    expect(first.code).toBe(0);
    expect(first.text).toMatch(/^[\w+/]{43}=\n$/);
    expect(second.text).not.toBe(first.text);
    const register = () =>
      OidcAuthModule.forRoot({
        clientId: 'my-client',
        discoveryUrl: 'https://idp.example.org',
        audience: 'my-aud',
        publicUrl: 'https://app.example.org',
        encryptionKeys: [first.text.trim()],
      });
    expect(register).not.toThrow();
  });
});

describe('nestjs-oidc-auth doctor', () => {
  let provider: MisbehavingProvider;

  beforeEach(async () => {
    provider = await startMisbehavingProvider();
  });

  afterEach(() => provider.close());

  const asClient = () => [
    'doctor',
    provider.discoveryUrl,
    '--client-id',
    provider.clientId,
    '--client-secret-env',
    'IDP_SECRET',
  ];

  it('says what a provider offers, and what to register', async () => {
    const { code, text } = await command(['doctor', provider.discoveryUrl]);

    expect(text).toContain(`the discovery document is of ${provider.issuer}`);
    expect(text).toContain('it offers: authorization, token, deviceAuthorization');
    expect(text).toContain('register at the provider: <publicUrl>/auth/v2/callback');
    expect(text).toContain('give --client-id');
    expect(code).toBe(0);
    expect(provider.requestsTo('token')).toHaveLength(0);
  });

  it('exits with 0 where client, secret, redirect URI and the running application are right', async () => {
    const app = await startApp({ provider });
    onTestFinished(() => app.close());

    const { code, text } = await command([...asClient(), '--public-url', app.url], {
      IDP_SECRET: provider.clientSecret,
    });

    expect(text).toContain('0 errors, 0 warnings');
    expect(text).toContain('the token endpoint takes client id and secret');
    expect(text).toContain(`the authorization endpoint takes ${app.url}/auth/v2/callback`);
    expect(text).toContain('publicUrl: it answers as this application does');
    expect(code).toBe(0);
  });

  it('exits with 1 for a wrong secret, which it does not show', async () => {
    const IDP_SECRET = 'another-secret-of-32-characters-here';

    const { code, text } = await command(asClient(), { IDP_SECRET });

    expect(code).toBe(1);
    expect(text).toContain(
      'error wrong-secret: provider default: the token endpoint says invalid_client',
    );
    expect(text).toContain('\n  more: nestjs-oidc-auth/docs/diagnosis.md#wrong-secret\n');
    expect(text).not.toContain(IDP_SECRET);
  });

  it('looks at a token that it is given', async () => {
    const token = provider.accessToken({ aud: 'account' });
    const args = [...asClient(), '--audience', 'my-aud', '--token-env', 'TOKEN'];

    const { code, text } = await command(args, {
      IDP_SECRET: provider.clientSecret,
      TOKEN: token,
    });

    expect(code).toBe(1);
    expect(text).toContain('error audience-missing');
    expect(text).not.toContain(token);
  });

  it('exits with 1 where nobody is', async () => {
    await provider.stop();

    expect(await command(['doctor', provider.discoveryUrl])).toMatchObject({
      code: 1,
      text: expect.stringContaining('error provider-unreachable'),
    });
  });

  it.each([
    ['no command', []],
    ['an unknown command', ['docter']],
    ['no address', ['doctor']],
    ['two addresses', ['doctor', 'https://a.example.org', 'https://b.example.org']],
    ['an unknown option', ['doctor', 'https://a.example.org', '--client-secret', 'x']],
    ['a variable that is not set', ['doctor', 'https://a.example.org', '--token-env', 'TOKEN']],
    ['no URL', ['doctor', 'https://a.example.org', '--public-url', 'app']],
    ['an unknown method', ['doctor', 'https://a.example.org', '--client-authentication', 'x']],
  ])('exits with 2 and the usage for %s', async (_mistake, args) => {
    const { code, text } = await command(args);

    expect(code).toBe(2);
    expect(text).toContain('Usage:');
  });

  it('names the option that is of no use', async () => {
    const { code, text } = await command(['doctor', 'http://idp.example.org']);

    expect(code).toBe(1);
    expect(text).toContain('discoveryUrl');
  });
});
