import { createServer, type Server } from 'node:http';

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { flowAdapters, startApp, type TestApp } from '../support/app.js';
import { registerSecret } from '../support/canary-secrets.js';
import {
  answerWith,
  closeSocket,
  drip,
  emptyBody,
  endlessBody,
  failWith,
  hang,
  html,
  redirectTo,
  truncatedJson,
  type Fault,
} from '../support/faults.js';
import { portOf } from '../support/listening-port.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';
import { expectRefusal } from '../support/refusal.js';
import { SteppedClock } from '../support/stepped-clock.js';

const CANARY = 'upstream-text-that-stays-inside';

const body = (error: unknown) => ({
  error,
  error_description: `${CANARY} <script>`,
  error_uri: `https://idp.example/${CANARY}`,
  hint: CANARY,
});
const refuse = (error: unknown, status = 400, headers: Record<string, string> = {}): Fault =>
  answerWith({ status, headers, body: body(error) });
const json = (text: string): Fault =>
  answerWith({ status: 200, headers: { 'content-type': 'application/json' }, body: text });

const padded = (padding: number): Fault =>
  json(JSON.stringify({ access_token: 'opaque', padding: 'x'.repeat(padding) }));

const basic = { 'www-authenticate': `Basic realm="${CANARY}"` };

type Case = [what: string, fault: Fault, status: number, error: string];

const named = ([what, fault, status, error]: Case) => ({ what, fault, status, error });

const refusals: Case[] = [
  ...[
    'access_denied',
    'consent_required',
    'interaction_required',
    'invalid_grant',
    'invalid_request',
    'invalid_scope',
    'invalid_target',
    'login_required',
    'unsupported_grant_type',
  ].map((error): Case => [`400 ${error}`, refuse(error), 400, error]),
  ['401 invalid_grant', refuse('invalid_grant', 401), 400, 'invalid_grant'],
  ['403 invalid_grant', refuse('invalid_grant', 403), 400, 'invalid_grant'],
  ['401 invalid_grant and a challenge', refuse('invalid_grant', 401, basic), 400, 'invalid_grant'],
  ['400 with an unknown code', refuse('an_invention'), 502, 'server_error'],
  ['400 with a code of JavaScript', refuse('__proto__'), 502, 'server_error'],
  ['400 with a code that is no text', refuse({ toString: 'invalid_grant' }), 502, 'server_error'],
  [
    '400 without a code',
    answerWith({ status: 400, body: { message: CANARY } }),
    502,
    'server_error',
  ],
  ['400 with text', answerWith({ status: 400, body: CANARY }), 502, 'server_error'],
  ['404 with a page', html(404), 502, 'server_error'],
  ['401 without a body', emptyBody(401), 502, 'server_error'],
];

const failures: Case[] = [
  ...[500, 501, 502, 503, 504, 429].map((status): Case => [
    `${status}`,
    failWith(status, { retryAfterSec: 3600, body: body('invalid_grant') }),
    503,
    'temporarily_unavailable',
  ]),
  ['503 with a page', html(503), 503, 'temporarily_unavailable'],
  ['no answer in time', hang(), 503, 'temporarily_unavailable'],
  ['a body that drips', drip({ everyMs: 5 }), 503, 'temporarily_unavailable'],
  ['a closed connection', closeSocket('before'), 503, 'temporarily_unavailable'],
  ['half a body', closeSocket('during'), 503, 'temporarily_unavailable'],
  [
    '400 temporarily_unavailable',
    refuse('temporarily_unavailable'),
    503,
    'temporarily_unavailable',
  ],
];

const nonsense: Case[] = [
  ['a page', html(), 502, 'server_error'],
  ['nothing', emptyBody(), 502, 'server_error'],
  ['204', emptyBody(204), 502, 'server_error'],
  [
    '201 with tokens',
    answerWith({ status: 201, body: { access_token: 'a' } }),
    502,
    'server_error',
  ],
  ['half a JSON text', truncatedJson(), 502, 'server_error'],
  ['text that is no JSON', json(`access_token=${CANARY}`), 502, 'server_error'],
  ['null', json('null'), 502, 'server_error'],
  ['a list', json(`[{"access_token":"${CANARY}"}]`), 502, 'server_error'],
  ['a string', json(`"${CANARY}"`), 502, 'server_error'],
  ['no access token', json('{"token_type":"Bearer"}'), 502, 'server_error'],
  ['an empty access token', json('{"access_token":"","token_type":"Bearer"}'), 502, 'server_error'],
  ['a number for a token', json('{"access_token":1,"token_type":"Bearer"}'), 502, 'server_error'],
  ['an error with 200', json(JSON.stringify(body('invalid_grant'))), 502, 'server_error'],
  ['another token type', json('{"access_token":"a","token_type":"mac"}'), 502, 'server_error'],
  ['a body without end', endlessBody(), 502, 'server_error'],
];

describe.each(flowAdapters)('answers of the provider to the token route on %s', (adapter) => {
  const clock = new SteppedClock();
  let provider: MisbehavingProvider;
  let app: TestApp;

  beforeAll(async () => {
    registerSecret(CANARY, 'text of the provider');
    provider = await startMisbehavingProvider({ clock, whileWaiting: () => clock.advance(0.5) });
    app = await startApp({ adapter, provider, clock, options: { timeoutMs: 500 } });
  });

  beforeEach(() => {
    provider.resetBehaviour();
    provider.clearRequests();
    clock.advance(61);
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  it.each([...refusals, ...failures, ...nonsense].map(named))(
    'TK-5: $what becomes $status $error',
    async ({ fault, status, error }) => {
      provider.behaviour.faults.token = fault;

      const reply = await postToken(app, { refresh_token: 'any-refresh-token' });

      expectRefusal(reply, status, error);
      expect(reply.text()).not.toContain(CANARY);
      if (status === 503) expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0);
    },
  );

  it('TK-5: names the option when the provider refuses our credentials', async () => {
    for (const [error, status, headers] of [
      ['invalid_client', 401, basic],
      ['invalid_client', 401, {}],
      ['invalid_client', 400, {}],
    ] as const) {
      clock.advance(61);
      const linesBefore = app.logs().length;
      provider.behaviour.faults.token = refuse(error, status, headers);

      const reply = await postToken(app, { refresh_token: 'any-refresh-token' });

      expectRefusal(reply, 502, 'server_error');
      expect(reply.headers.get('www-authenticate')).toBeNull();
      const logged = app.logs().slice(linesBefore).join('\n');
      expect(logged).toMatch(new RegExp(`ERROR \\[OidcAuth\\].*${error}.*clientSecret`));
    }
  });

  it('TK-5: follows no redirect', async () => {
    const seen: (string | undefined)[] = [];
    const elsewhere: Server = createServer((incoming, response) => {
      seen.push(incoming.url);
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
    await new Promise<void>((resolve) => {
      elsewhere.listen(0, '127.0.0.1', resolve);
    });
    const target = `http://127.0.0.1:${portOf(elsewhere)}/token`;
    const login = await openLogin(app);

    for (const status of [301, 302, 303, 307, 308]) {
      provider.behaviour.faults.token = redirectTo(target, status);
      const reply = await postToken(app, { refresh_token: 'any-refresh-token' });
      expectRefusal(reply, 502, 'server_error');
    }
    expectRefusal(await postToken(app, handleForm(login)), 502, 'server_error');

    expect(seen).toEqual([]);
    elsewhere.close();
  });

  it('TK-5: reads 1 MiB of a body and no more', async () => {
    const before = process.memoryUsage().rss;

    provider.behaviour.faults.token = endlessBody();
    expectRefusal(await postToken(app, { refresh_token: 'a' }), 502, 'server_error');
    provider.behaviour.faults.token = padded(1_100_000);
    expectRefusal(await postToken(app, { refresh_token: 'a' }), 502, 'server_error');
    provider.behaviour.faults.token = padded(900_000);
    const fits = await postToken(app, { refresh_token: 'a' });

    expect(fits.status).toBe(200);
    expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000);
  });

  it('TK-5: says 503 while nothing listens, and heals', async () => {
    const { refresh_token } = (
      await postToken(app, handleForm(await openLogin(app, { query: { offline_access: 'true' } })))
    ).json();
    const form = { refresh_token: String(refresh_token) };

    await provider.stop();
    const during = await postToken(app, form);
    await provider.start();
    const afterwards = await postToken(app, form);

    expectRefusal(during, 503, 'temporarily_unavailable');
    expect(afterwards.status).toBe(200);
  });
});
