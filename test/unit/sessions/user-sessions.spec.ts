import { describe, expect, it, vi } from 'vitest';

import type { BrokerSession } from '../../../lib/contract/broker-store.js';
import { OAuthError } from '../../../lib/errors/oauth.error.js';
import { storedHash } from '../../../lib/sessions/refresh-tokens.js';
import { UserSessions } from '../../../lib/sessions/user-sessions.js';
import { aSession } from '../../../lib/testing/store-contract/rows.js';

const LONGEST_LIST = 1000;

/** The sessions of alice, of which a store lists a thousand at most. */
function setUp(count: number) {
  const subjectHash = storedHash('alice');
  let rows = Array.from({ length: count }, (_, at) => aSession({ id: `id-${at}`, subjectHash }));
  let [underWay, most] = [0, 0];
  const end = vi.fn(async ({ id }: BrokerSession, _reason: string) => {
    underWay += 1;
    most = Math.max(most, underWay);
    await Promise.resolve();
    underWay -= 1;
    const [before, left] = [rows.length, rows.filter((row) => row.id !== id)];
    rows = left;
    return left.length < before;
  });
  const sessions = {
    ofSubject: async (subject: string) => (subject === 'alice' ? rows.slice(0, LONGEST_LIST) : []),
    find: async (id: string) => rows.find((row) => row.id === id),
    open: vi.fn(async (): Promise<object | undefined> => undefined),
    end,
  };
  const revokeSubject = vi.fn(async (..._call: unknown[]) => undefined);
  const users = new UserSessions(Object(sessions), Object({ revokeSubject }));
  return { users, sessions, end, revokeSubject, rows: () => rows, most: () => most };
}

describe('the sessions of a user', () => {
  it('are listed, each with what is known of it', async () => {
    const { users, sessions, rows } = setUp(2);
    sessions.open.mockResolvedValueOnce({ device: 'Firefox on Linux', address: '192.0.2.1' });
    const { id, provider, createdAt, usedAt, expiresAt } = rows()[0] ?? aSession();

    const [first, second] = await users.list('alice', 'id-1');

    expect(first).toStrictEqual({
      id,
      provider,
      createdAt,
      usedAt,
      expiresAt,
      current: false,
      device: 'Firefox on Linux',
      address: '192.0.2.1',
    });
    expect(second).toMatchObject({ id: 'id-1', current: true });
    expect(Object.keys(second ?? {})).not.toContain('device');
    expect(Object.keys(second ?? {})).not.toContain('address');
  });

  it('end one by one, at the will of their user or of an administrator', async () => {
    const { users, end } = setUp(2);

    expect(await users.end('unknown')).toBe(false);
    expect(await users.endOf('alice', 'unknown')).toBe(false);
    expect(await users.endOf('bob', 'id-0')).toBe(false);
    expect(end).not.toHaveBeenCalled();
    expect([await users.endOf('alice', 'id-0'), await users.end('id-1')]).toEqual([true, true]);
    expect(end.mock.calls.map(([{ id }, reason]) => [id, reason])).toEqual([
      ['id-0', 'revoked'],
      ['id-1', 'revoked'],
    ]);
  });

  it.each([0, 1, 11, 999, 1000, 1001, 2500])('LO-2: end all together: %i', async (count) => {
    const { users, rows, end, revokeSubject, most } = setUp(count);

    expect(await users.endAll('alice')).toBe(count);

    expect(rows()).toEqual([]);
    expect(end).toHaveBeenCalledTimes(count);
    expect(most()).toBe(Math.min(count, 10)); // at the same time
    expect(revokeSubject.mock.calls).toEqual([[storedHash('alice'), 'all']]);
  });

  it('LO-2: that another instance ended are not counted', async () => {
    const { users, rows, end } = setUp(2);
    const listed = rows();
    end.mockResolvedValueOnce(false);

    expect(await users.endEach(async () => listed, 'logout')).toBe(1);
    expect(end.mock.calls.map(([, reason]) => reason)).toEqual(['logout', 'logout']);
  });

  it.each<[rows: number, outcome: number | string]>([
    [LONGEST_LIST - 1, LONGEST_LIST - 1],
    [LONGEST_LIST, 'temporarily_unavailable'],
  ])('LO-2: of a store that goes on listing %i that have ended: %s', async (count, expected) => {
    const { users, rows } = setUp(count);
    const listed = rows();

    const ended = users.endEach(async () => listed, 'revoked');

    const outcome = await ended.catch((error: unknown) => error);
    expect(outcome instanceof OAuthError ? outcome.error : outcome).toBe(expected);
  });
});
