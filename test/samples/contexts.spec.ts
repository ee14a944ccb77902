import { createClient } from 'graphql-ws';
import { io } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';

import { request } from '../support/http-request.js';
import { UserAgent } from '../support/user-agent.js';
import { SampleProcess } from './sample-process.js';

async function loggedIn(app: SampleProcess): Promise<string> {
  const auth = `${app.url}/auth/v2`;
  const reply = await new UserAgent().get(`${auth}/login?redirect_uri=${auth}/callback`);
  return String(reply.json()['access_token']);
}

const refused = (code: string) => ({
  errors: [expect.objectContaining({ extensions: expect.objectContaining({ code }) })],
});

const subscribed = (app: SampleProcess, connectionParams: object) => {
  const client = createClient({
    url: `${app.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { ...connectionParams },
    retryAttempts: 0,
  });
  return { client, events: client.iterate({ query: 'subscription { ordered }' }) };
};

describe('the graphql sample', () => {
  let app: SampleProcess;
  let token: string;

  beforeAll(async () => {
    app = await SampleProcess.build('graphql', {});
    await app.start();
    token = await loggedIn(app);
  });

  afterAll(async () => app.stop());

  const ask = async (query: string, bearer?: string): Promise<unknown> => {
    const body = JSON.stringify({ query });
    const headers = {
      'content-type': 'application/json',
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
    };
    return (await request(`${app.url}/graphql`, { method: 'POST', headers, body })).json();
  };

  it('answers who has a token, and everybody what is public', async () => {
    expect(await ask('{ status }')).toEqual({ data: { status: 'open' } });
    expect(await ask('{ me }', token)).toEqual({ data: { me: 'alice' } });
    expect(await ask('{ me }')).toMatchObject(refused('UNAUTHENTICATED'));
    expect(await ask('{ orders }', token)).toMatchObject(refused('FORBIDDEN'));
  });

  it('tells subscribers who has a token', async () => {
    const alice = subscribed(app, { authorization: `Bearer ${token}` });
    const nobody = subscribed(app, {});

    let told: unknown;
    void alice.events.next().then((event) => (told = event));
    expect(await nobody.events.next()).toMatchObject({ value: refused('UNAUTHENTICATED') });
    await vi.waitFor(
      async () => {
        const order = 'mutation { order(item: "tea") }'; // again, until alice's subscription has begun
        expect(await ask(order, token)).toEqual({ data: { order: 'tea for alice' } });
        expect(told).toMatchObject({ value: { data: { ordered: 'tea for alice' } } });
      },
      { timeout: 20_000 },
    );
    await alice.client.dispose();
    await nobody.client.dispose();
  });
});

describe('the websocket sample', () => {
  let app: SampleProcess;
  let token: string;

  beforeAll(async () => {
    app = await SampleProcess.build('websocket', {});
    await app.start();
    token = await loggedIn(app);
  });

  afterAll(async () => app.stop());

  const connect = (auth: object) =>
    io(app.url, { auth, transports: ['websocket'], forceNew: true, reconnection: false });

  it('lets nobody connect without a token', async () => {
    const socket = connect({});
    const refusal = await new Promise((resolve) => {
      socket.once('connect_error', resolve);
      socket.once('connect', () => resolve('connected'));
    });
    socket.close();

    expect(refusal).toMatchObject({ data: { error: 'invalid_token' } });
  });

  it('tells everybody who said what, and refuses what needs a role', async () => {
    const socket = connect({ token });
    const heard = (event: string) => new Promise((resolve) => socket.once(event, resolve));
    const said = heard('said');
    const exception = heard('exception');
    socket.emit('say', 'hello');
    socket.emit('clear', {});

    expect(await said).toEqual({ name: 'alice', text: 'hello' });
    expect(await exception).toMatchObject({ error: 'insufficient_scope' });
    socket.close();
  });

  it('serves its page to everybody', async () => {
    const page = await request(app.url);

    expect(page.text()).toContain('socket.io.js');
  });
});
