import type { ExecutionContext } from '@nestjs/common';
import { describe, expect, it, vi } from 'vitest';

import { OAuthError, invalidToken } from '../../../lib/errors/oauth.error.js';
import { AuthGuard } from '../../../lib/guard/auth.guard.js';
import { callerOf } from '../../../lib/guard/caller.js';
import { type AuthRule, checkAuthRule } from '../../../lib/tokens/auth-rule.js';
import { AUTH_GUARD } from '../../../lib/tokens/whole-application.js';

const identity = Object({ claims: { sub: 'alice' }, roles: [], holds: () => true });
const refusal = invalidToken('exp');

class OrdersController {}
function list(): void {}

interface Scene {
  readonly rule?: AuthRule | 'public';
  /** What the authenticator gives, or throws. */
  readonly identify?: () => unknown;
  readonly streams?: boolean;
  readonly shown?: (error: unknown) => unknown;
}

/** A guard among doubles, and a call of `OrdersController.list`. */
function setUp({ rule = {}, identify = () => identity, streams = false, shown }: Scene = {}) {
  const context: ExecutionContext = Object({
    getType: () => 'http',
    getArgs: () => [request],
    getHandler: () => list,
    getClass: () => OrdersController,
  });
  const request = {};
  const known = {
    credentials: () => ({ headers: {} }),
    refusal: (_context: object, error: unknown) => (shown ? shown(error) : error),
    admit: vi.fn(),
    watch: vi.fn(),
  };
  const contexts = { of: vi.fn(() => known) };
  const refusals = vi.fn();
  const faults = vi.fn();
  const logins = vi.fn(async (): Promise<Error | undefined> => undefined);
  const guard = new AuthGuard(
    Object({ identify }),
    Object({ of: () => ({ rule: rule === 'public' ? rule : checkAuthRule(rule), streams }) }),
    Object(contexts),
    Object({ report: refusals }),
    Object({ report: faults }),
    Object({ of: logins }),
  );
  const caller = () => callerOf(request);
  /** `true`, or what the caller is answered. */
  const outcome = async (): Promise<unknown> => {
    try {
      return await guard.canActivate(context);
    } catch (error) {
      return error;
    }
  };
  return { guard, context, known, contexts, refusals, faults, logins, caller, outcome };
}

const later = () => Promise.resolve(identity);
const refusing = () => {
  throw refusal;
};
const condition = vi.fn(() => true);

describe('the guard', () => {
  it('is known as that of a whole application', () => {
    expect(setUp().guard[AUTH_GUARD]).toBe(true);
  });

  it.each<[what: string, scene: Scene, atOnce: boolean]>([
    ['at once, by a token that is remembered', {}, true],
    ['once the token is verified', { identify: later }, false],
    ['once the host’s conditions are met', { rule: { when: condition } }, false],
  ])('admits %s', async (_, scene, atOnce) => {
    const { guard, context, known, caller } = setUp(scene);

    const admitted = guard.canActivate(context);

    expect(admitted === true).toBe(atOnce);
    expect(await admitted).toBe(true);
    expect(caller()).toBe(identity);
    expect(known.admit).toHaveBeenCalledWith(context, identity);
    expect(known.watch).not.toHaveBeenCalled();
  });

  it('watches over what goes on', async () => {
    const { known, context, outcome } = setUp({ streams: true });

    await outcome();

    expect(known.watch).toHaveBeenCalledWith(context, identity);
  });

  it('asks nobody who calls a public handler', async () => {
    const { caller, outcome } = setUp({ rule: 'public', identify: refusing });

    expect(await outcome()).toBe(true);
    expect(caller()).toBeNull();
  });

  it.each<[what: string, identify: () => unknown]>([
    ['at once', refusing],
    ['once it is looked at', () => Promise.reject(refusal)],
  ])('refuses a bad token %s, and the log says why', async (_, identify) => {
    const { caller, outcome, refusals, logins } = setUp({ identify });

    expect(await outcome()).toBe(refusal);
    expect(caller()).toBeNull();
    expect(refusals.mock.calls).toEqual([
      ['OrdersController.list', refusal, 'refused by the guard'],
    ]);
    expect(logins).not.toHaveBeenCalled();
  });

  it('lets anonymous callers in where they may call', async () => {
    const { caller, outcome, refusals } = setUp({ rule: { optional: true }, identify: refusing });

    expect(await outcome()).toBe(true);
    expect(caller()).toBeNull();
    expect(refusals).toHaveBeenCalledWith('OrdersController.list', refusal, 'anonymous');
  });

  it('sends people to the login where the rule says so and they can log in', async () => {
    const { outcome, logins } = setUp({ rule: { onUnauthenticated: 'login' }, identify: refusing });
    const redirect = new Error('to the login');

    expect(await outcome()).toBe(refusal);
    logins.mockResolvedValueOnce(redirect);
    expect(await outcome()).toBe(redirect);
  });

  it('refuses what comes in a context that it does not know, and the log says so', async () => {
    const { outcome, contexts, refusals } = setUp();
    const unknown = new OAuthError('server_error', 'an unknown context');
    const fault = new TypeError('a fault');

    contexts.of.mockImplementationOnce(() => {
      throw unknown;
    });
    expect(await outcome()).toBe(unknown);
    expect(refusals.mock.calls).toEqual([
      ['OrdersController.list', unknown, 'refused by the guard'],
    ]);

    contexts.of.mockImplementationOnce(() => {
      throw fault;
    });
    expect(await outcome()).toBe(fault);
    expect(refusals).toHaveBeenCalledTimes(1);
  });

  it('reports a fault where Nest would not see it, and refuses', async () => {
    const fault = new TypeError('a fault');
    const identify = () => Promise.reject(fault);
    const hidden = new Error('Internal server error');
    const seen = setUp({ identify });
    const unseen = setUp({ identify, shown: () => hidden });

    expect([await seen.outcome(), await unseen.outcome()]).toEqual([fault, hidden]);
    expect(seen.faults).not.toHaveBeenCalled();
    expect(unseen.faults.mock.calls).toEqual([['OrdersController.list', fault]]);
    expect([seen.caller(), unseen.caller()]).toEqual([null, null]);
  });
});
