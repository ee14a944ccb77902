import { describe, expect, it } from 'vitest';

import type { StoredSigningKey } from '../../../lib/contract/broker-store.js';
import {
  isOver,
  newestSigning,
  nextSequence,
  rowOf,
  signsFromOfNext,
} from '../../../lib/keys/key-schedule.js';
import { newSigningKey, openSigningKey, type SigningKey } from '../../../lib/keys/signing-key.js';
import { UnknownKeyIds } from '../../../lib/keys/unknown-key-ids.js';
import { RowSealer } from '../../../lib/sealing/key-ring.js';

const NOW = new Date('2026-01-01T00:00:00Z');
const AHEAD_SEC = 5400;
const LIFETIME_SEC = 30 * 86_400;
const wanted = {
  keyLifetimeSec: LIFETIME_SEC,
  signingAlgorithm: 'ES256',
  accessTokenLifetimeSec: 3600,
} as const;

/** In seconds from now. */
function at(seconds: number): Date {
  return new Date(NOW.getTime() + seconds * 1000);
}

/** A row whose key signs from that second on. */
function row(sequence: number, signsFromSec: number, retiredSec?: number): StoredSigningKey {
  return {
    sequence,
    kid: `key ${sequence}`,
    algorithm: 'ES256',
    createdAt: at(signsFromSec),
    signsFrom: at(signsFromSec),
    retiredAt: retiredSec === undefined ? undefined : at(retiredSec),
    sealed: `sealed ${sequence}`,
  };
}

const sealer = new RowSealer(['a-key-of-the-ring-for-signing-keys'], 'signing keys');
const wish = { sequence: 1, algorithm: 'ES256', tokenLifetimeSec: 3600 } as const;
const made = { ...row(1, 0), ...(await newSigningKey(wish, sealer)) };
const opened = await openSigningKey(made, sealer);
if (opened === undefined) throw new Error('The key does not open');
const { key } = opened;

describe('the key that signs', () => {
  it.each<[what: string, rows: StoredSigningKey[], sequence: number | undefined]>([
    ['there is none', [], undefined],
    ['the last one whose time has come', [row(1, -100), row(2, 0), row(3, 1)], 2],
    ['in whatever order they come', [row(3, 1), row(2, -1), row(1, -100)], 2],
    ['of two that sign from the same time, the later one', [row(2, -1), row(1, -1)], 2],
    ['where none has come, the first to come', [row(2, 20), row(3, 10)], 3],
    ['not one that was retired', [row(1, -100), row(2, -1, -1)], 1],
    ['none when all were retired', [row(1, -100, -1)], undefined],
  ])('KM-2: %s', (_what, rows, sequence) => {
    expect(newestSigning(rows, NOW)?.sequence).toBe(sequence);
  });

  it('KM-1: a row is known by its number and its text', () => {
    expect(rowOf(row(7, 0))).toBe('7 sealed 7');
    expect([nextSequence([]), nextSequence([row(4, 0), row(9, 0), row(2, 0)])]).toEqual([1, 10]);
  });
});

/** When the key signs that is to be made now, in seconds from now. */
function due(
  rows: StoredSigningKey[],
  ofNewest: Partial<SigningKey> | 'locked' = {},
): number | undefined {
  const from = signsFromOfNext(
    rows,
    () => (ofNewest === 'locked' ? undefined : { ...key, ...ofNewest }),
    wanted,
    NOW,
  );
  return from === undefined ? undefined : (from.getTime() - NOW.getTime()) / 1000;
}

describe('the next key', () => {
  it('KM-2: signs at once where there is none', () => {
    expect(due([])).toBe(0);
    expect(due([row(1, -1, -1)])).toBe(0);
  });

  it('KM-2: is made ninety minutes before the newest one has signed for its time', () => {
    expect(due([row(1, AHEAD_SEC - LIFETIME_SEC + 1)])).toBeUndefined();
    expect(due([row(1, AHEAD_SEC - LIFETIME_SEC)])).toBe(AHEAD_SEC);
    expect(due([row(1, -2 * LIFETIME_SEC), row(2, -1)])).toBeUndefined();
    expect(due([row(2, -1), row(1, -2 * LIFETIME_SEC)])).toBeUndefined();
    expect(due([row(1, -2 * LIFETIME_SEC), row(2, -1, -1)])).toBe(AHEAD_SEC);
  });

  it('KM-2: is none while one waits, or the newest one cannot be opened', () => {
    expect(due([row(1, -2 * LIFETIME_SEC), row(2, 1)])).toBeUndefined();
    expect(due([row(1, -2 * LIFETIME_SEC)], 'locked')).toBeUndefined();
    expect(due([row(1, 0)], { algorithm: 'RS256' })).toBe(AHEAD_SEC); // it signs already
  });

  it('KM-2: is made for another algorithm, and for tokens that live longer', () => {
    expect(due([row(1, -1)])).toBeUndefined();
    expect(due([row(1, -1)], { algorithm: 'EdDSA' })).toBe(AHEAD_SEC);
    expect(due([row(1, -1)], { tokenLifetimeSec: 3599 })).toBe(AHEAD_SEC);
    expect(due([row(1, -1)], { tokenLifetimeSec: 3601 })).toBeUndefined();
    expect(due([row(1, -1)], { tokenLifetimeSec: undefined })).toBe(AHEAD_SEC);
  });
});

/** Where tokens may be presented for an hour. */
function over(one: StoredSigningKey, rows: StoredSigningKey[]): boolean {
  return isOver(one, rows, NOW, 3_600_000);
}

describe('a key that nobody needs any more', () => {
  it('KM-2: has been followed for as long as its tokens may be presented', () => {
    const first = row(1, -9000);

    expect(over(first, [first])).toBe(false);
    expect(over(first, [first, row(2, -3600)])).toBe(false);
    expect(over(first, [first, row(2, -3601)])).toBe(true);
    expect(over(first, [row(3, -10), row(2, -3601), first])).toBe(true);
    expect(over(row(2, -3601), [row(1, -9000), row(2, -3601)])).toBe(false);
    expect(over(first, [first, row(2, -3601, -10)])).toBe(false);
    expect(over(row(1, -5000), [row(1, -5000), row(2, -5000)])).toBe(true);
    expect(over(row(2, -5000), [row(1, -5000), row(2, -5000)])).toBe(false);
  });

  it('KM-3: was retired that long ago', () => {
    expect(over(row(1, -9000, -3600), [])).toBe(false);
    expect(over(row(1, -9000, -3601), [])).toBe(true);
    expect(over(row(1, -9000, -1), [row(1, -9000, -1), row(2, -8000)])).toBe(false);
  });
});

describe('a stored signing key', () => {
  it('KM-4: shows its public half alone, derived from the private one', () => {
    const { published } = key;

    expect(Object.keys(published).toSorted()).toEqual([
      'alg',
      'crv',
      'kid',
      'kty',
      'use',
      'x',
      'y',
    ]);
    expect(published).toMatchObject({ kid: made.kid, use: 'sig', alg: 'ES256', kty: 'EC' });
    expect(key).toMatchObject({ sequence: 1, kid: made.kid, tokenLifetimeSec: 3600 });
    expect([key.privateKey.type, key.publicKey.type]).toEqual(['private', 'public']);
  });

  it.each([
    ['RS256', ['alg', 'e', 'kid', 'kty', 'n', 'use']],
    ['EdDSA', ['alg', 'crv', 'kid', 'kty', 'use', 'x']],
  ] as const)('KM-4: of %s shows %j', async (algorithm, members) => {
    const other = await newSigningKey({ ...wish, algorithm }, sealer);
    const stored = { ...row(1, 0), ...other, algorithm };
    const published = (await openSigningKey(stored, sealer))?.key.published;

    expect(Object.keys(published ?? {}).toSorted()).toEqual(members);
    if (published?.n !== undefined) expect(Buffer.from(published.n, 'base64url').length).toBe(384);
  });

  it('KM-5: opens in its own row alone, and is to be encrypted anew after a change of keys', async () => {
    const later = new RowSealer(
      ['a-key-that-came-after-it-in-the-ring', 'a-key-of-the-ring-for-signing-keys'],
      'signing keys',
    );
    const again = await openSigningKey(made, later);

    expect(opened.resealed).toBeUndefined();
    expect(await openSigningKey({ ...made, sequence: 2 }, sealer)).toBeUndefined();
    expect(again?.key.kid).toBe(made.kid);
    const sealed = again?.resealed ?? '';
    expect((await openSigningKey({ ...made, sealed }, later))?.resealed).toBeUndefined();
    expect(await openSigningKey({ ...made, sealed }, sealer)).toBeUndefined();
  });

  it('fault 12: says nothing of lifetimes when it was written by a version before, and must be an object', async () => {
    const text = (await sealer.open(made.sealed, 'signing-key/1/private'))?.text ?? '';
    const sealedWith = async (json: string) => ({
      ...made,
      sealed: await sealer.seal(json, 'signing-key/1/private'),
    });
    const old = text.replace(/,"tokenLifetimeSec":3600/, '');
    const odd = text.replace('3600', '"3600"');

    for (const json of [old, odd]) {
      expect(json).not.toBe(text);
      const found = await openSigningKey(await sealedWith(json), sealer);
      expect(found?.key).toMatchObject({ kid: made.kid, tokenLifetimeSec: undefined });
    }
    expect(await openSigningKey(await sealedWith('[1]'), sealer)).toBeUndefined();
  });

  it('KM-4: cannot be a shared secret', async () => {
    const sealed = await sealer.seal('{"kty":"oct","k":"AAAA"}', 'signing-key/1/private');

    await expect(openSigningKey({ ...made, sealed, algorithm: 'HS256' }, sealer)).rejects.toThrow();
  });
});

function id(number: number): string {
  return `${number}`.padStart(43, 'k');
}

describe('key ids that nobody knows', () => {
  it('JW-4: are looked for three times between two readings', () => {
    const ids = new UnknownKeyIds();
    const ask = (number: number) => ids.ask(id(number), { readingIsDue: false });

    expect([1, 2, 3, 4].map(ask)).toEqual(['read', 'read', 'read', 'wait']);
    expect(ids.ask(id(5), { readingIsDue: true })).toBe('read'); // costs nothing
    ids.allowLooks();
    expect([6, 7, 8, 9].map(ask)).toEqual(['read', 'read', 'read', 'wait']);
  });

  it.each(['', id(1).slice(1), `${id(1)}k`, id(1).replace('k', '+')])(
    'JW-4: and could not be ours are refused: %j',
    (kid) => {
      expect(new UnknownKeyIds().ask(kid, { readingIsDue: true })).toBe('refuse');
    },
  );

  it('DS-2: are remembered up to a thousand, the oldest goes first', () => {
    const ids = new UnknownKeyIds();
    const refused = (number: number) => ids.ask(id(number), { readingIsDue: true }) === 'refuse';
    for (let number = 1; number <= 1000; number += 1) ids.refuse(id(number));

    expect([refused(1), refused(1000), refused(1001)]).toEqual([true, true, false]);
    ids.refuse(id(1001));
    expect([refused(1), refused(2), refused(1001)]).toEqual([false, true, true]);
  });
});
