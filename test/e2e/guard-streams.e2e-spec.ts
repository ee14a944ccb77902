import { Controller, type MessageEvent, Sse } from '@nestjs/common';
import { NEVER, type Observable, finalize, merge, of } from 'rxjs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { LiveCalls } from '../../lib/guard/live-calls.js';
import { Auth, Public } from '../../lib/index.js';
import { adapters, startApp, type TestApp } from '../support/app.js';
import { brokerLogin, startBrokerApp } from '../support/broker-app.js';
import { FakeClock } from '../support/fake-clock.js';
import {
  type MisbehavingProvider,
  startMisbehavingProvider,
} from '../support/misbehaving-provider.js';

/** Streams whose source was told that nobody listens any more. */
let ended = 0;

@Controller()
class Streams {
  @Sse('stream')
  @Auth()
  stream(): Observable<MessageEvent> {
    return merge(of({ data: 'first' }), NEVER).pipe(finalize(() => (ended += 1)));
  }

  @Sse('open')
  @Public()
  open(): Observable<MessageEvent> {
    return of({ data: 'first' });
  }
}

async function listen(app: TestApp, path: string, bearer?: string): Promise<Response> {
  const headers = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
  return fetch(`${app.url}/${path}`, { headers });
}

const sweep = (app: TestApp): void => app.app.get(LiveCalls, { strict: false }).sweep();

describe.each(adapters)('server-sent events on %s', (adapter) => {
  let provider: MisbehavingProvider;
  const clock = new FakeClock();

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    provider.behaviour.now = () => clock.now();
  });

  beforeEach(() => {
    ended = 0;
  });

  afterAll(() => provider.close());

  it('GW-1: need a token like every handler', async () => {
    const app = await startApp({ adapter, provider, clock, controllers: [Streams] });

    expect((await listen(app, 'stream')).status).toBe(401);
    expect((await listen(app, 'open')).status).toBe(200);
    await app.close();
  });

  it('GW-2: end with their token’s lifetime, and not before', async () => {
    const app = await startApp({ adapter, provider, clock, controllers: [Streams] });
    const response = await listen(app, 'stream', provider.accessToken());
    const body = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    sweep(app);
    expect((await body?.read())?.value).toContain('first');

    clock.advance(3600);
    sweep(app);
    let last = await body?.read();
    while (last?.done === false) last = await body?.read();

    expect(last?.done).toBe(true);
    await expect.poll(() => ended).toBe(1);
    await app.close();
  });

  it('GW-2: end with their session', async () => {
    const app = await startBrokerApp({ adapter, provider, clock, controllers: [Streams] });
    const { accessToken, claims } = await brokerLogin(app);
    const response = await listen(app, 'stream', accessToken);
    expect(response.status).toBe(200);

    await app.service.revokeSession(String(claims['sid']));
    sweep(app);

    expect(await response.text()).toContain('first');
    await app.close();
  });
});
