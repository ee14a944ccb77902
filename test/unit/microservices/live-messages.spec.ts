import type { ExecutionContext } from '@nestjs/common';
import { lastValueFrom, of } from 'rxjs';
import { describe, expect, it, vi } from 'vitest';

import { setCaller } from '../../../lib/guard/caller.js';
import { LiveMessagesInterceptor } from '../../../lib/microservices/live-messages.interceptor.js';
import type { Identity } from '../../../lib/tokens/identity.js';

const alice: Identity = Object({ claims: { sub: 'alice' }, roles: [], holds: () => true });

function contextOf(type: string): ExecutionContext {
  const args = [{}, {}];
  return Object({ getType: () => type, getArgs: () => args, getHandler: () => contextOf });
}

describe('what ends with the token of a message', () => {
  it.each<[string, string, Identity | null, number]>([
    ['an answer to a caller', 'rpc', alice, 1],
    ['no answer to nobody', 'rpc', null, 0],
    ['no answer of another context on the same class', 'http', alice, 0],
  ])('is %s', async (_, type, caller, times) => {
    const watch = vi.fn(() => () => undefined);
    const context = contextOf(type);
    setCaller(context, caller);
    const interceptor = new LiveMessagesInterceptor(Object({}), Object({ watch }));
    const answer = interceptor.intercept(context, { handle: () => of(1, 2) });

    expect(await lastValueFrom(answer)).toBe(2);
    expect(watch).toHaveBeenCalledTimes(times);
  });
});
