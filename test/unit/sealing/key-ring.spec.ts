import { hkdfSync } from 'node:crypto';

import { CompactEncrypt, EncryptJWT, decodeProtectedHeader } from 'jose';
import { describe, expect, it } from 'vitest';

import type { OidcAuthOptions } from '../../../lib/index.js';
import { type KeyRing, Mac, RowSealer, Sealer } from '../../../lib/sealing/key-ring.js';
import { FakeClock } from '../../support/fake-clock.js';
import { RING_KEY, keyRing } from '../../support/key-ring.js';
import { capturedLogs } from '../../support/output-capture.js';

const OLD = 'an-encryption-key-of-the-year-before-last';
const clock = new FakeClock();

/** The last letter of a part in another spelling of the same bytes. */
function respelled(part: string): string {
  const bytes = Buffer.from(part, 'base64url');
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const other = letters
    .split('')
    .map((letter) => part.slice(0, -1) + letter)
    .find((text) => text !== part && Buffer.from(text, 'base64url').equals(bytes));
  return other ?? part;
}

/** Of the same message each time. */
function macOf(label: string): string {
  return new Mac([RING_KEY], label).of('message').toString('hex');
}

describe('keys derived from a secret', () => {
  it('KM-5: are the same in every version, and others for each purpose', () => {
    expect(macOf('refresh token')).toBe(
      '55c9651ae551d08cdb96f0bd754a013648564143c364e50fc579cd91bbfb2ae9',
    );
    expect(macOf('subject')).toBe(
      '9569ac90bac265c62ce9aeda9dc866e9325094a8a9701652f3db37c9d5f2e882',
    );
  });

  it('KM-5: have ids of their own, by which what was sealed names its key', async () => {
    const handle = await new Sealer([RING_KEY], 'login handle', clock).seal({}, 60);
    const row = await new RowSealer([RING_KEY], 'session').seal('text', 'session/1/content');

    expect(decodeProtectedHeader(handle)).toEqual({ alg: 'dir', enc: 'A256GCM', kid: 'okNMnUYZ' });
    expect(decodeProtectedHeader(row)).toEqual({
      alg: 'dir',
      enc: 'A256GCM',
      kid: 'wFE-NRSG',
      place: 'session/1/content',
    });
  });
});

describe('Sealer', () => {
  const sealer = new Sealer([RING_KEY, OLD], 'login handle', clock);

  it('KM-5: opens what any of its keys sealed, until it ends', async () => {
    const times = new FakeClock();
    const both = new Sealer([RING_KEY, OLD], 'login handle', times);
    const old = await new Sealer([OLD], 'login handle', times).seal({ id: 'x' }, 60);

    times.advance(59);
    expect(await both.open(old)).toMatchObject({ id: 'x' });
    times.advance(1);
    expect(await both.open(old)).toBeUndefined();
  });

  it('KM-5: seals for whole seconds', async () => {
    const times = new FakeClock();
    const ofLong = new Sealer([RING_KEY], 'login handle', times);
    const sealed = await ofLong.seal({}, 2000);

    times.advance(1999);
    expect(await ofLong.open(sealed)).toBeDefined();
    times.advance(1);
    expect(await ofLong.open(sealed)).toBeUndefined();
  });

  it('AR-3: opens nothing of another purpose, of an unknown key, or that was altered', async () => {
    const sealed = await sealer.seal({ id: 'xy' }, 60);
    const [header = '', key = '', iv = '', text = '', tag = ''] = sealed.split('.');

    for (const other of [
      await new Sealer([RING_KEY], 'another purpose', clock).seal({}, 60),
      await new Sealer(['a-key-that-nobody-here-has-listed'], 'login handle', clock).seal({}, 60),
      [header, key, iv, text, respelled(tag)].join('.'),
      [header, key, iv, respelled(text), tag].join('.'),
      `${sealed}.`,
      '',
    ]) {
      expect(other).not.toBe(sealed);
      expect(await sealer.open(other)).toBeUndefined();
    }
    expect(await sealer.open(sealed)).toMatchObject({ id: 'xy' });
  });

  it('AR-3: opens nothing that never ends', async () => {
    const { kid, key } = await keyOf('login handle');
    const encrypt = (claims: object) =>
      new EncryptJWT({ ...claims })
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid })
        .encrypt(key);
    const exp = Math.floor(clock.now().getTime() / 1000) + 60;

    expect(await sealer.open(await encrypt({ id: 'x', exp }))).toMatchObject({ id: 'x' });
    expect(await sealer.open(await encrypt({ id: 'x' }))).toBeUndefined();
  });

  it('DS-1: opens up to 8,192 characters, and does not try more', async () => {
    const short = await sealer.seal({ pad: 'x'.repeat(6039) }, 60);
    const long = await sealer.seal({ pad: 'x'.repeat(6040) }, 60);

    expect([short.length, long.length]).toEqual([8192, 8194]);
    expect(await sealer.open(short)).toBeDefined();
    expect(await sealer.open(long)).toBeUndefined();
  });

  it('cannot be without a key', async () => {
    await expect(new Sealer([], 'x', clock).seal({}, 60)).rejects.toThrow('A sealer needs a key');
  });
});

/** The key of a purpose, as `Sealer` derives it, with its id. */
async function keyOf(label: string): Promise<{ kid: string; key: Uint8Array }> {
  const { kid = '' } = decodeProtectedHeader(
    await new Sealer([RING_KEY], label, clock).seal({}, 60),
  );
  const key = new Uint8Array(hkdfSync('sha256', RING_KEY, '', `nestjs-oidc-auth ${label}`, 32));
  return { kid, key };
}

describe('RowSealer', () => {
  const sealer = new RowSealer([RING_KEY, OLD], 'session');

  it('KM-5: opens text where it was written, and says whether the first key wrote it', async () => {
    const ofNew = await sealer.seal('Grüße', 'session/1/content');
    const ofOld = await new RowSealer([OLD], 'session').seal('text', 'session/1/content');

    expect(await sealer.open(ofNew, 'session/1/content')).toEqual({ text: 'Grüße', current: true });
    expect(await sealer.open(ofOld, 'session/1/content')).toEqual({ text: 'text', current: false });
  });

  it('ST-1: opens nothing in another place, of another purpose or key, or that was altered', async () => {
    const place = 'session/1/content';
    const sealed = await sealer.seal('text', place);
    const foreign = new RowSealer(['a-key-that-nobody-here-has-listed'], 'session');

    expect(await sealer.open(sealed, 'session/2/content')).toBeUndefined();
    expect(await sealer.open(`${sealed.slice(0, -2)}AA`, place)).toBeUndefined();
    expect(await new RowSealer([RING_KEY], 'key').open(sealed, place)).toBeUndefined();
    expect(await sealer.open(await foreign.seal('text', place), place)).toBeUndefined();
    expect(await sealer.open('no JWE', place)).toBeUndefined();
  });

  it('ST-1: opens no text whose place nobody wrote', async () => {
    const { kid, key } = await keyOf('session');
    const sealed = await new CompactEncrypt(Buffer.from('text'))
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid })
      .encrypt(key);

    expect(
      await new RowSealer([RING_KEY], 'session').open(sealed, 'session/1/content'),
    ).toBeUndefined();
  });

  it('cannot be without a key', async () => {
    await expect(new RowSealer([], 'x').seal('', '')).rejects.toThrow('A sealer needs a key');
  });
});

describe('Mac', () => {
  const mac = new Mac([RING_KEY, OLD], 'refresh token');

  it('KM-5: is made with the first key and known from all of them', () => {
    const ofOld = new Mac([OLD], 'refresh token').of('message');

    expect(mac.of('message')).toEqual(new Mac([RING_KEY], 'refresh token').of('message'));
    expect(mac.verify('message', mac.of('message'))).toBe(true);
    expect(mac.verify('message', ofOld)).toBe(true);
  });

  it('RF-4: is not known of another message, purpose, key or length', () => {
    const code = mac.of('message');
    const ofOther = new Mac([RING_KEY], 'another').of('message');
    const ofUnlisted = new Mac(['a-key-that-nobody-here-has-listed'], 'refresh token');

    expect(mac.verify('Message', code)).toBe(false);
    expect(mac.verify('message', ofOther)).toBe(false);
    expect(mac.verify('message', ofUnlisted.of('message'))).toBe(false);
    expect(mac.verify('message', code.subarray(0, 31))).toBe(false);
    expect(mac.verify('message', Buffer.concat([code, Buffer.alloc(1)]))).toBe(false);
    expect(mac.verify('message', Buffer.alloc(0))).toBe(false);
  });

  it('cannot be without a key', () => {
    expect(() => new Mac([], 'x').of('message')).toThrow('needs a key');
    expect(new Mac([], 'x').verify('message', Buffer.alloc(32))).toBe(false);
  });
});

function firstKeyOf(keys: KeyRing): Buffer {
  return keys.mac('x').of('message');
}

describe('KeyRing', () => {
  const SECRET = 'a-client-secret-of-32-characters';

  it.each<[options: Partial<OidcAuthOptions>, origin: string, missing: RegExp | undefined]>([
    [{ encryptionKeys: [RING_KEY] }, 'encryptionKeys', undefined],
    [{ encryptionKeys: [RING_KEY], clientSecret: SECRET }, 'encryptionKeys', undefined],
    [{ encryptionKeys: [RING_KEY], clientSecret: 'short' }, 'encryptionKeys', undefined],
    [{ clientSecret: SECRET }, 'clientSecret', undefined],
    [{ clientSecret: SECRET.slice(1) }, 'random', /^"clientSecret" has fewer than 32 characters/],
    [{ clientSecret: 'a'.repeat(40) }, 'random', /^"clientSecret" repeats itself/],
    [{}, 'random', /^there is no "clientSecret"/],
  ])('KM-5: %j: keys of %s', (options, origin, missing) => {
    const keys = keyRing(options);

    expect(keys.origin).toBe(origin);
    if (missing === undefined) expect(keys.missing).toBeUndefined();
    else expect(keys.missing).toMatch(missing);
  });

  it('KM-5: the keys are those of its secrets, the first one first', () => {
    expect(firstKeyOf(keyRing({ encryptionKeys: [RING_KEY, OLD] }))).toEqual(
      new Mac([RING_KEY], 'x').of('message'),
    );
    expect(firstKeyOf(keyRing({ encryptionKeys: [RING_KEY], clientSecret: SECRET }))).toEqual(
      new Mac([RING_KEY], 'x').of('message'),
    );
    expect(firstKeyOf(keyRing({ clientSecret: SECRET }))).toEqual(
      new Mac([SECRET], 'x').of('message'),
    );
    for (const options of [{}, { clientSecret: SECRET.slice(1) }]) {
      expect(firstKeyOf(keyRing(options))).not.toEqual(firstKeyOf(keyRing(options)));
    }
    expect(
      keyRing({ encryptionKeys: [RING_KEY, OLD] })
        .mac('x')
        .verify('m', new Mac([OLD], 'x').of('m')),
    ).toBe(true);
  });

  it('KM-5: each purpose of the ring is its label', async () => {
    const keys = keyRing({ encryptionKeys: [RING_KEY] });
    const [handle, row] = [
      await keys.sealer('a').seal({ id: 'x' }, 60),
      await keys.rowSealer('a').seal('text', 'place'),
    ];

    expect(await new Sealer([RING_KEY], 'a', clock).open(handle)).toMatchObject({ id: 'x' });
    expect(await new RowSealer([RING_KEY], 'a').open(row, 'place')).toMatchObject({ text: 'text' });
  });

  it('KM-5: says in the log that logins do not outlive the process, where there are logins', () => {
    const before = capturedLogs().length;
    const warned = (): string[] =>
      capturedLogs()
        .slice(before)
        .filter((line) => line.includes('Logins finish only on the instance'));

    keyRing({ clientSecret: SECRET });
    keyRing({ encryptionKeys: [RING_KEY] });
    keyRing({}, { routes: { login: false, callback: false, device: false, token: false } });
    expect(warned()).toEqual([]);

    keyRing({});
    expect(warned()).toEqual([
      expect.stringMatching(/"encryptionKeys" is not set, and there is no "clientSecret"/),
    ]);
  });
});
