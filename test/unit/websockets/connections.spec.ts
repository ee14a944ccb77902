import { describe, expect, it, vi } from 'vitest';

import { OAuthError } from '../../../lib/errors/oauth.error.js';
import { LiveCalls } from '../../../lib/guard/live-calls.js';
import { checkAuthRule } from '../../../lib/tokens/auth-rule.js';
import { Connections } from '../../../lib/websockets/connections.js';
import { tokenCredentials } from '../../../lib/websockets/handshake.js';
import { FakeClock } from '../../support/fake-clock.js';

const required = checkAuthRule({});
const optional = checkAuthRule({ optional: true });

/** Connections whose tokens say `<issuer> <subject>`, or why they are refused. */
function connections() {
  const clock = new FakeClock();
  const live = new LiveCalls(clock, Object({}));
  const identify = vi.fn(async ({ headers }: { headers: { authorization?: string } }) => {
    const [iss, sub] = (headers.authorization ?? '').replace('Bearer ', '').split(' ');
    if (iss === 'broken') throw new TypeError('a fault of ours');
    if (sub === undefined) throw new OAuthError('invalid_token', 'No token');
    const exp = Math.floor(clock.now().getTime() / 1000) + 300;
    return { claims: { iss, sub, exp }, roles: [], holds: () => true };
  });
  const report = vi.fn();
  const made = new Connections(Object({ identify }), live, Object({ report }));
  return { clock, live, identify, report, made };
}

describe('connections of gateways', () => {
  it('are refused without a good token, where one is required', async () => {
    const { made, report } = connections();

    await expect(made.open({ headers: {} }, required)).rejects.toThrow('No token');
    expect(report).not.toHaveBeenCalled(); // whoever refuses says so
  });

  it('are anonymous without a good token, where none is required, and the log hears of it', async () => {
    const { made, report } = connections();

    expect(await made.open({ headers: {} }, optional)).toMatchObject({ identity: undefined });
    expect(report).toHaveBeenCalledWith('WebSocket handshake', expect.any(OAuthError), 'anonymous');
  });

  it('are no one’s after a fault of ours, wherever', async () => {
    const { made } = connections();

    await expect(made.open(tokenCredentials('broken x'), optional)).rejects.toThrow(TypeError);
  });

  it('end with their token, and are forgotten when they end by themselves', async () => {
    const { made, live, clock } = connections();
    const [first, second, end] = [{}, {}, vi.fn()];
    const credentials = tokenCredentials('here alice');
    made.keep(first, await made.open(credentials, required), end);
    const forget = made.keep(second, await made.open(credentials, required), end);
    forget();

    void live.sweep();
    expect(end).not.toHaveBeenCalled();
    clock.advance(301);
    void live.sweep();
    void live.sweep();

    expect(end).toHaveBeenCalledTimes(1);
  });

  it('of nobody do not end', async () => {
    const { made, live, clock } = connections();
    const end = vi.fn();
    const forget = made.keep({}, await made.open({ headers: {} }, optional), end);
    clock.advance(1e6);
    void live.sweep();
    forget();

    expect(end).not.toHaveBeenCalled();
  });

  it('go on with a fresh token of the same subject at the same issuer, which counts from then on', async () => {
    const { made, live, clock } = connections();
    const [client, end] = [{}, vi.fn()];
    const first = tokenCredentials('here alice');
    const fresh = tokenCredentials('here alice fresh');
    made.keep(client, await made.open(first, required), end);
    expect(made.credentialsOf(client)).toBe(first);
    clock.advance(200);

    await made.renew(client, fresh);
    clock.advance(200);
    void live.sweep();

    expect(made.credentialsOf(client)).toBe(fresh);
    expect(end).not.toHaveBeenCalled();
  });

  it.each(['here bob', 'there alice', 'nobody'])('do not take a token of %s', async (other) => {
    const { made } = connections();
    const client = {};
    const first = tokenCredentials('here alice');
    made.keep(client, await made.open(first, required), vi.fn());

    await expect(made.renew(client, tokenCredentials(other))).rejects.toMatchObject({
      error: 'invalid_token',
    });
    expect(made.credentialsOf(client)).toBe(first);
  });

  it('hold a fresh token against the rule that they were opened by', async () => {
    const { made, identify } = connections();
    const client = {};
    const rule = checkAuthRule({ scopes: 'chat' });
    made.keep(client, await made.open(tokenCredentials('here alice'), rule), vi.fn());

    await made.renew(client, tokenCredentials('here alice fresh'));

    expect(identify.mock.calls.map((given) => given.at(-1))).toEqual([rule, rule]);
  });

  it('that were opened without a token, or that nobody knows, cannot be renewed', async () => {
    const { made } = connections();
    const client = {};
    made.keep(client, await made.open({ headers: {} }, optional), vi.fn());

    for (const one of [client, {}]) {
      await expect(made.renew(one, tokenCredentials('here alice'))).rejects.toMatchObject({
        error: 'invalid_request',
      });
    }
  });

  it.each([undefined, null, 'text', {}])('of %s have no credentials', (client) => {
    expect(connections().made.credentialsOf(client)).toEqual({ headers: {} });
  });
});
