import type { ExecutionContext } from '@nestjs/common';
import { EventEmitter } from 'node:events';
import { describe, expect, it, vi } from 'vitest';

import { CallContexts } from '../../../lib/guard/call-contexts.js';
import { LiveCalls } from '../../../lib/guard/live-calls.js';
import type { Identity } from '../../../lib/tokens/identity.js';
import { FakeClock } from '../../support/fake-clock.js';

/** A stream of server-sent events that alice reads, over a version of HTTP, on an adapter. */
function stream(httpVersionMajor: number, adapter: 'express' | 'fastify') {
  const clock = new FakeClock();
  const live = new LiveCalls(clock, Object({}));
  const contexts = new CallContexts(
    Object({}),
    Object({}),
    live,
    Object({ requestProperty: false }),
  );
  const hangUp = vi.fn();
  const end = vi.fn((done: () => void) => done());
  const response = Object.assign(new EventEmitter(), {
    req: { httpVersionMajor },
    socket: { destroySoon: hangUp },
    end,
  });
  const given = adapter === 'fastify' ? { raw: response } : response;
  const context: ExecutionContext = Object({ switchToHttp: () => ({ getResponse: () => given }) });
  const exp = Math.floor(clock.now().getTime() / 1000) + 60;
  const alice: Identity = Object({ claims: { sub: 'alice', exp }, roles: [], holds: () => true });
  contexts.of('http').watch?.(context, alice);
  return { clock, live, response, end, hangUp };
}

describe.each(['express', 'fastify'] as const)('a stream of events on %s', (adapter) => {
  it('ends with its token, and its connection with it, so that Nest gives up the source', () => {
    const { clock, live, end, hangUp } = stream(1, adapter);
    void live.sweep();
    expect(end).not.toHaveBeenCalled();

    clock.advance(61);
    void live.sweep();

    expect(end).toHaveBeenCalledTimes(1);
    expect(hangUp).toHaveBeenCalledTimes(1);
  });

  it('ends alone over HTTP/2, whose connection carries others', () => {
    const { clock, live, end, hangUp } = stream(2, adapter);
    clock.advance(61);
    void live.sweep();

    expect(end).toHaveBeenCalledTimes(1);
    expect(hangUp).not.toHaveBeenCalled();
  });

  it('is forgotten when its reader goes', () => {
    const { clock, live, response, end } = stream(1, adapter);
    response.emit('close');
    clock.advance(61);
    void live.sweep();

    expect(end).not.toHaveBeenCalled();
  });
});
