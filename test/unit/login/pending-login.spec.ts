import { describe, expect, it } from 'vitest';

import {
  type PendingLogin,
  PendingLogins,
  type SealedLogin,
} from '../../../lib/login/pending-login.js';
import { encodePart } from '../../support/compact-jws.js';
import { FakeClock } from '../../support/fake-clock.js';
import { keyRing } from '../../support/key-ring.js';

const REDIRECT = 'http://localhost:53100/callback';
const VERIFIER = 'verifier-of-this-login-which-nobody-may-see';
const NONCE = 'nonce-of-this-login';
const OLD_KEY = 'an-encryption-key-of-the-year-before-last';
const KEY = 'the-encryption-key-of-this-year-at-last';

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

function pendingLogins({ clock = new FakeClock(), encryptionKeys = [KEY] } = {}): PendingLogins {
  return new PendingLogins(keyRing({ encryptionKeys }, { clock }));
}

function begin(logins: PendingLogins, redirectUri = REDIRECT): Promise<SealedLogin> {
  return logins.begin(
    {
      provider: 'default',
      redirectUri,
      target: 'loopback',
      scope: 'openid profile',
      clientChallenge: undefined,
    },
    { codeVerifier: VERIFIER, nonce: NONCE },
  );
}

function decodedParts(handle: string): string {
  return handle
    .split('.')
    .map((part) => Buffer.from(part, 'base64url').toString('latin1'))
    .join('\n');
}

/** The texts that differ from this one in one place: another letter, and the lowest bit flipped. */
function oneByteOff(text: string): string[] {
  return text.split('').flatMap((byte, at) => {
    const letter = byte === 'A' ? 'B' : 'A';
    const flipped = String.fromCharCode(byte.charCodeAt(0) ^ 1);
    return [letter, flipped].map((other) => text.slice(0, at) + other + text.slice(at + 1));
  });
}

async function opened(logins: PendingLogins, states: readonly string[]): Promise<string[]> {
  const found = await Promise.all(states.map((state) => logins.fromState(state)));
  return states.filter((_, at) => found[at] !== undefined);
}

describe('PendingLogins', () => {
  it('AR-3: writes state as 256 random bits, the redirect URI and a handle without a bar', async () => {
    const { login, handle, state } = await begin(pendingLogins());

    expect(state).toBe(`${login.id}|${REDIRECT}|${handle}`);
    expect(Buffer.from(login.id, 'base64url')).toHaveLength(32);
    expect(Buffer.from(login.binding, 'base64url')).toHaveLength(32);
    expect(handle).toMatch(/^[\w.-]+$/);
  });

  it('AR-3: keeps verifier, nonce, binding and scope unreadable in the handle', async () => {
    const { login, handle } = await begin(pendingLogins());
    const readable = `${handle}\n${decodedParts(handle)}`;

    const hidden = [VERIFIER, NONCE, login.binding, login.id, REDIRECT, 'openid profile'];

    expect(hidden.filter((secret) => readable.includes(secret))).toEqual([]);
  });

  it('AR-3: seals two logins alike into handles without a common part beside the header', async () => {
    const logins = pendingLogins();
    const [one, other] = await Promise.all([begin(logins), begin(logins)]);

    const parts = one.handle.split('.').filter(Boolean);
    const shared = parts.filter((part) => other.handle.includes(part));

    expect(shared).toEqual(parts.slice(0, 1));
  });

  it('AR-3: reads a login back whole, by its state and by its handle', async () => {
    const logins = pendingLogins();
    const { login, handle, state } = await begin(logins);

    expect(await logins.fromState(state)).toEqual(login);
    expect(await logins.fromHandle(handle)).toEqual(login);
  });

  it('AR-3: opens a login for less than 600 seconds', async () => {
    const clock = new FakeClock();
    const logins = pendingLogins({ clock });
    const { handle, state } = await begin(logins);

    clock.advance(599);
    expect(await logins.fromState(state)).toBeDefined();
    expect(await logins.fromHandle(handle)).toBeDefined();

    clock.advance(1);
    expect(await logins.fromState(state)).toBeUndefined();
    expect(await logins.fromHandle(handle)).toBeUndefined();
  });

  it('CB-1: does not open a state in which any one byte was changed', async () => {
    const logins = pendingLogins();
    const { state } = await begin(logins);

    const altered = oneByteOff(state).filter((text) => text !== state);

    expect(altered).toHaveLength(2 * state.length);
    expect(await opened(logins, altered)).toEqual([]);
  });

  it('CB-1: knows one spelling only of the last letter of each part of a handle', async () => {
    const logins = pendingLogins();
    const { state } = await begin(logins);
    const ends = [...state.matchAll(/(?<=[\w-])(?=\.|$)/g)].map(({ index }) => index - 1);

    const spellings = ends.flatMap((at) =>
      BASE64URL.split('').map((letter) => state.slice(0, at) + letter + state.slice(at + 1)),
    );

    expect(spellings.filter((text) => text === state)).toHaveLength(4);
    expect(new Set(await opened(logins, spellings))).toEqual(new Set([state]));
  });

  it('CB-1: does not open a state that was cut, lengthened or put together from two', async () => {
    const logins = pendingLogins();
    const [one, other] = await Promise.all([begin(logins), begin(logins)]);
    const { login, handle, state } = one;

    const forged = [
      '',
      '|',
      '||',
      handle,
      `|${handle}`,
      `${login.id}|${handle}`,
      `${login.id}||${handle}`,
      `${other.login.id}|${REDIRECT}|${handle}`,
      `${login.id}|${REDIRECT}|${other.handle}`,
      `${login.id}|http://localhost:1/callback|${handle}`,
      `${login.id}|${REDIRECT}|x|${handle}`,
      `x|${state}`,
      `${state}|`,
      `${state} `,
      ` ${state}`,
      `${state}=`,
      `${state}.`,
      `${state}\n`,
      state.slice(0, -1),
      state.slice(1),
      state.toLowerCase(),
      `${state}${'A'.repeat(10_000)}`,
    ];

    expect(await opened(logins, forged)).toEqual([]);
  });

  it('CB-1: does not open what is unsealed, or sealed under a key of its own', async () => {
    const logins = pendingLogins();
    const { login, handle, state } = await begin(logins);
    const foreign = await begin(pendingLogins({ encryptionKeys: [OLD_KEY] }));
    const [, , iv = '', text = '', tag = ''] = handle.split('.');

    const handles = [
      'verifier-in-clear',
      '..',
      '....',
      `${encodePart({ alg: 'none' })}.${encodePart({ id: login.id })}.`,
      [encodePart({ alg: 'dir', enc: 'A256GCM' }), '', iv, text, tag].join('.'),
      [encodePart({ alg: 'dir', enc: 'A128GCM' }), '', iv, text, tag].join('.'),
      [encodePart({ alg: 'PBES2-HS256+A128KW', enc: 'A256GCM', p2c: 1 }), '', iv, text, tag].join(
        '.',
      ),
    ];
    const states = handles.map((forged) => `${login.id}|${REDIRECT}|${forged}`);

    expect(await opened(logins, [...states, foreign.state])).toEqual([]);
    expect(await opened(logins, [state])).toEqual([state]);
  });

  it('CB-1: opens logins of a former key that is still listed', async () => {
    const before = await begin(pendingLogins({ encryptionKeys: [OLD_KEY] }));
    const rotated = pendingLogins({ encryptionKeys: [KEY, OLD_KEY] });

    expect(await rotated.fromState(before.state)).toEqual(before.login);
    expect(await pendingLogins().fromState(before.state)).toBeUndefined();
  });
});

describe('what a login remembers', () => {
  it.each<PendingLogin['target']>(['callback', 'page', 'loopback', 'client'])(
    'AR-3: a target of the kind %s, and the challenge of the client',
    async (target) => {
      const logins = pendingLogins();
      const identity = { provider: 'default', providerIdentity: 'issuer and client' };
      const wish = { ...identity, redirectUri: REDIRECT, target, scope: 'openid' };
      for (const clientChallenge of [undefined, 'challenge-of-the-client']) {
        const { login, state } = await logins.begin(
          { ...wish, clientChallenge },
          { codeVerifier: VERIFIER, nonce: NONCE },
        );

        expect(login).toMatchObject({ ...wish, clientChallenge });
        expect(await logins.fromState(state)).toStrictEqual(login);
      }
    },
  );

  const whole = { id: 'i', p: 'p', r: 'r', t: 'page', v: 'v', n: 'n', s: 's', b: 'b' };

  it.each(Object.keys(whole))(
    'AR-3: nothing without %s, or with it in another type',
    async (name) => {
      const ring = keyRing({ encryptionKeys: [KEY] });
      const sealer = ring.sealer('login handle');
      const logins = new PendingLogins(ring);

      expect(await logins.fromHandle(await sealer.seal(whole, 60))).toMatchObject({ id: 'i' });
      for (const value of [undefined, '', 7, ['x']]) {
        const handle = await sealer.seal({ ...whole, [name]: value }, 60);
        expect(await logins.fromHandle(handle)).toBeUndefined();
      }
    },
  );
});
