import type { ExecutionContext } from '@nestjs/common';
import { firstValueFrom, of } from 'rxjs';
import { describe, expect, it, vi } from 'vitest';

import { LiveSubscriptionsInterceptor } from '../../../lib/graphql/live-subscriptions.interceptor.js';
import { setCaller } from '../../../lib/guard/caller.js';
import type { Identity } from '../../../lib/tokens/identity.js';

const alice: Identity = Object({ claims: { sub: 'alice' }, roles: [], holds: () => true });

function contextOf(type: string): ExecutionContext {
  const args = [{}, {}, {}, {}];
  return Object({ getType: () => type, getArgs: () => args, getHandler: () => contextOf });
}

const answer = async (type: string, caller: Identity | null | undefined, result: unknown) => {
  const watch = vi.fn(() => () => undefined);
  const context = contextOf(type);
  if (caller !== undefined) setCaller(context, caller);
  const interceptor = new LiveSubscriptionsInterceptor(Object({ watch }));
  const given = await firstValueFrom(interceptor.intercept(context, { handle: () => of(result) }));
  return { watched: watch.mock.calls.length === 1, same: given === result };
};

async function* events() {
  yield 1;
}

describe('what ends with the token of a subscription', () => {
  it('is an iterator that somebody subscribed to', async () => {
    expect(await answer('graphql', alice, events())).toEqual({ watched: true, same: false });
  });

  it.each<[string, string, Identity | null | undefined, unknown]>([
    ['answers of other contexts', 'http', alice, events()],
    ['subscriptions of nobody', 'graphql', null, events()],
    ['subscriptions that no guard has seen', 'graphql', undefined, events()],
    ['an object', 'graphql', alice, {}],
    ['a list', 'graphql', alice, [1]],
    ['nothing', 'graphql', alice, null],
    ['a text', 'graphql', alice, 'text'],
  ])('are not %s', async (_, type, caller, result) => {
    expect(await answer(type, caller, result)).toEqual({ watched: false, same: true });
  });
});
