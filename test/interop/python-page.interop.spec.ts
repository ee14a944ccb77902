import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startBrokerApp, brokerTokens } from '../support/broker-app.js';
import type { TestApp } from '../support/app.js';
import { request } from '../support/http-request.js';
import { handleForm, LOOPBACK_REDIRECT, postToken } from '../support/open-login.js';
import { startProvider, type TestProvider } from '../support/provider.js';
import { ended, listening, startChild } from '../support/services/child.js';
import { UserAgent } from '../support/user-agent.js';
import { python } from './support/counterparts.js';
import { quietPort } from './support/quiet-port.js';

const run = promisify(execFile);
const page = readFileSync(
  fileURLToPath(new URL('../../docs/python-peers.md', import.meta.url)),
  'utf8',
);

function blockOf(language: string): string {
  const found = [...page.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))];
  expect(found).toHaveLength(1);
  return found[0]?.[1] ?? '';
}

const { skipped } = python();

describe.skipIf(skipped)(`the page on Python peers${skipped ? ` (${skipped})` : ''}`, () => {
  let folder: string;
  let provider: TestProvider;
  let ours: TestApp;
  let peer: { readonly url: string; readonly child: ReturnType<typeof startChild> };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'oidc-python-page-'));
    await run('bash', ['-e', '-c', blockOf('bash')], { cwd: folder });
    provider = await startProvider();
    const port = await quietPort();
    const url = `http://127.0.0.1:${port}`;
    ours = await startBrokerApp({
      provider,
      options: { routes: { prefix: '/api' } },
      broker: {
        signingAlgorithm: 'RS256',
        subjectClaim: 'preferred_username',
        trustedIssuers: [url],
      },
    });
    const program = blockOf('python')
      .replace('client-secret-of-at-least-32-characters', provider.clientSecret)
      .replace(/https:\/\/idp\.example\.org\S*(?=")/, provider.discoveryUrl)
      .replace('https://python.example.org', url)
      .replace('https://nest.example.org', ours.url)
      .replace('port=8000', `port=${port}`);
    await writeFile(join(folder, 'peer.py'), program);
    const env = { PATH: process.env['PATH'], HOME: folder };
    const child = startChild([join(folder, 'peer/bin/python'), ['peer.py']], { env, cwd: folder });
    peer = { url, child };
    await listening(port, child);
    await request(`${url}/api/auth/v2/.well-known/jwks.json`); // sets it up
  });

  afterAll(async () => {
    if (peer !== undefined) await ended(peer.child.child);
    await ours?.close();
    await provider?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const logIn = async (address: string) => {
    const agent = new UserAgent();
    const query = { redirect_uri: LOOPBACK_REDIRECT, offline_access: 'true', prompt: 'consent' };
    const login = `${address}/auth/v2/login?${new URLSearchParams(query).toString()}`;
    const { searchParams } = new URL(await agent.loginAt(provider, login, 'alice'));
    const [code, state] = [searchParams.get('code') ?? '', searchParams.get('state') ?? ''];
    const handle = state.slice(state.lastIndexOf('|') + 1);
    const form = handleForm({ agent, redirectUri: LOOPBACK_REDIRECT, code, state, handle });
    return brokerTokens(await postToken({ url: address }, form));
  };

  it('leads to a Python service and an application of ours that accept each other’s tokens', async () => {
    const ofOurs = await logIn(`${ours.url}/api`);
    const ofPeer = await logIn(`${peer.url}/api`);

    const there = await request(`${peer.url}/me`, { bearer: ofOurs.accessToken });
    expect(there.status, there.text()).toBe(200);
    expect(there.json()).toMatchObject({ sub: 'alice', iss: ours.url });
    const here = await ours.service.verify(ofPeer.accessToken);
    expect(here).toMatchObject({ sub: 'alice', iss: peer.url });
    expect(here.scope).toBeUndefined();
  });
});
