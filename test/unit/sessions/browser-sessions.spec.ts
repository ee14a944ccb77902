import { describe, expect, it, vi } from 'vitest';

import type { BrokerSession } from '../../../lib/contract/broker-store.js';
import { BrowserSessions } from '../../../lib/sessions/browser-sessions.js';
import { storedHash } from '../../../lib/sessions/refresh-tokens.js';
import { aSession } from '../../../lib/testing/store-contract/rows.js';
import { FakeClock } from '../../support/fake-clock.js';

const hashed = (reference: string) => ({ hash: storedHash(reference), reference });

/** Sessions of browsers, whose references are their ids behind "ref-", and one such session. */
function setUp({ idleSec = 3600, lifetimeSec = 3600, leftSec = Infinity } = {}) {
  const clock = new FakeClock();
  const now = clock.now();
  const endsAt = new Date(now.getTime() + 86_400_000);
  const cookieHash = storedHash('ref-one');
  const row: BrokerSession = aSession({
    id: 'one',
    cookieHash,
    createdAt: now,
    usedAt: now,
    endsAt,
  });
  const find = vi.fn(async (id: string) => (id === 'one' ? row : undefined));
  const open = vi.fn(async (): Promise<object | undefined> => ({ provider: {} }));
  const end = vi.fn(async (..._call: unknown[]) => true);
  const insert = vi.fn(async (): Promise<object | undefined> => ({ session: row, content: {} }));
  const touch = vi.fn(async (..._call: unknown[]) => true);
  const renewedSince = vi.fn(async () => ({ session: row, content: {} }));
  const claims = { exp: 4e9, iss: 'ours', sub: 'alice' };
  const made = new BrowserSessions(
    Object({ idleSec, unrenewedSec: 3600 }),
    Object({
      sessionLifetimeSec: 86_400,
      revocationPollSec: 10,
      accessTokenLifetimeSec: lifetimeSec,
    }),
    clock,
    Object({ ask: (work: (store: object) => unknown) => work({ touchSession: touch }) }),
    Object({ insert, find, open, end }),
    Object({ renewedSince }),
    Object({
      issue: (id: string) => hashed(`ref-${id}`),
      read: (text: string) =>
        text.startsWith('ref-') ? { sessionId: text.slice(4), ...hashed(text) } : undefined,
    }),
    Object({
      issuer: async () => ({}),
      renewedBySec: () => now.getTime() / 1000 + leftSec,
      of: () => ({ claims, issuer: {}, holds: () => true, untilSec: 4e9 }),
    }),
  );
  return { made, clock, row, find, open, end, insert, touch, renewedSince };
}

const login = Object({ content: { provider: {} } });

describe('the session of a browser', () => {
  it('TK-3: is one for each login', async () => {
    const { made, insert } = setUp();

    expect(await made.begin(login)).toHaveProperty('reference');
    insert.mockResolvedValueOnce(undefined);
    expect(await made.begin(login)).toBeUndefined();
  });

  it('is found by its reference, and by nothing else', async () => {
    const { made, row, find } = setUp();

    expect(await made.find('ref-one')).toBe(row);
    expect(await made.find('nonsense')).toBeUndefined();
    expect(await made.find('ref-gone')).toBeUndefined();
    find.mockResolvedValueOnce({ ...row, cookieHash: storedHash('another') });
    expect(await made.find('ref-one')).toBeUndefined();
  });

  it.each<[what: string, next: Partial<BrokerSession>, grantLivesOn: boolean | undefined]>([
    ['of the same user', {}, true],
    ['of another user', { providerSubjectHash: 'another' }, false],
    ['at another provider', { provider: 'staff' }, false],
    ['that is itself', { id: 'one' }, undefined],
  ])('BS-2: gives way to one %s', async (_, next, grantLivesOn) => {
    const { made, row, end } = setUp();

    await made.replace('ref-one', { ...row, id: 'two', ...next });
    await made.replace('ref-gone', row);

    const ended = [[row, 'replaced', { grantLivesOn }]];
    expect(end.mock.calls).toEqual(grantLivesOn === undefined ? [] : ended);
  });

  it('BS-9: is read once for all tabs that come at once, and again after eight seconds', async () => {
    const { made, clock, find } = setUp();
    const look = () => made.verify('ref-one', false);

    await Promise.all([look(), look(), look()]);
    expect(find).toHaveBeenCalledTimes(1);

    clock.advance(7.9);
    await look();
    expect(find).toHaveBeenCalledTimes(1);
    clock.advance(0.1);
    await look();
    expect(find).toHaveBeenCalledTimes(2);
  });

  it('is known at once, without a promise, until it has to be looked at or its use to be written', async () => {
    const { made, clock, find, touch } = setUp();
    const first = await made.verify('ref-one', true);

    expect(made.verify('ref-one', true)).toBe(first);
    clock.advance(7.9);
    expect(made.verify('ref-one', false)).toBe(first);
    expect([find, touch].map(({ mock }) => mock.calls.length)).toEqual([1, 0]);
    clock.advance(0.1);
    expect(made.verify('ref-one', false)).toBeInstanceOf(Promise);
  });

  it.each(['ref-on', 'ref-one.', 'REF-ONE', ''])(
    'BS-2: %j is not known for it, whatever is remembered',
    async (other) => {
      const { made } = setUp();
      await made.verify('ref-one', true);

      await expect(made.verify(other, true)).rejects.toMatchObject({ error: 'invalid_token' });
    },
  );

  it('fault 20: that nobody can decrypt is none', async () => {
    const { made, open } = setUp();
    open.mockResolvedValueOnce(undefined);

    await expect(made.verify('ref-one', false)).rejects.toMatchObject({ error: 'invalid_token' });
  });

  it.each<[idleSec: number, everySec: number]>([
    [60, 30],
    [3600, 300],
  ])('BS-4: with an idle limit of %i s has its use written every %i s, once', async (...row) => {
    const [idleSec, everySec] = row;
    const { made, clock, touch } = setUp({ idleSec });
    const use = () => made.verify('ref-one', true);

    clock.advance(everySec - 1);
    await use();
    expect(touch).not.toHaveBeenCalled();
    clock.advance(1);
    await Promise.all([use(), use(), use()]);

    expect(touch).toHaveBeenCalledTimes(1);
    const expiresAt = new Date(clock.now().getTime() + idleSec * 1000);
    expect(touch).toHaveBeenCalledWith('one', expect.objectContaining({ expiresAt }));
  });

  it.each<[lifetimeSec: number, leftSec: number, renews: boolean]>([
    [3600, 61, false],
    [3600, 60, true],
    [60, 31, false],
    [60, 30, true],
  ])(
    'BS-9: whose claims live %i s, and %i s more, renews them meanwhile: %s',
    async (lifetimeSec, leftSec, renews) => {
      const { made, find, renewedSince } = setUp({ lifetimeSec, leftSec });

      await made.verify('ref-one', false);
      expect(renewedSince).toHaveBeenCalledTimes(renews ? 1 : 0);

      await made.verify('ref-one', false); // sees at once what came of it
      expect(find).toHaveBeenCalledTimes(renews ? 2 : 1);
    },
  );
});
