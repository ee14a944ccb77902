import { describe, expect, it } from 'vitest';

import { type SessionContent, SessionContents } from '../../../lib/sessions/session-content.js';
import { keyRing } from '../../support/key-ring.js';

const ID = '0123456789abcdef0123456789abcdef';
const PLACE = `session/${ID}/content`;
const MOST = 60_000;

const contents = new SessionContents(keyRing());
const whole: SessionContent = {
  provider: {
    accessToken: 'access',
    accessExpiresAt: 1,
    refreshToken: 'refresh',
    refreshExpiresAt: 2,
    idToken: 'id',
  },
  providerSubject: 'alice',
  loginIat: 3,
  device: 'Firefox on Linux',
  address: '192.0.2.1',
  claims: { sub: 'alice', roles: ['admins'] },
  profile: { given_name: 'Alice' },
  said: { accessToken: { a: 1 }, idToken: { b: 2 }, userinfo: { c: 3 } },
  scope: 'openid',
  refreshToken: 'ours',
};

/** What is read of a row that somebody sealed with this text in it. */
async function read(value: unknown): Promise<SessionContent | undefined> {
  const sealed = await keyRing().rowSealer('session').seal(JSON.stringify(value), PLACE);
  return contents.open(ID, sealed);
}

async function sealedAndOpened(content: SessionContent) {
  const sealed = await contents.seal(ID, content);
  return { sealed, opened: sealed === undefined ? undefined : await contents.open(ID, sealed) };
}

describe('what a session remembers', () => {
  it('ST-1: is read as it was written, of its own row alone', async () => {
    const { sealed = '', opened } = await sealedAndOpened(whole);

    expect(opened).toEqual(whole);
    expect(await contents.open(ID.replace('0', '1'), sealed)).toBeUndefined();
  });

  it('fault 12: may lack what versions before did not write', async () => {
    const { providerSubject, claims, scope } = whole;
    const ofBefore = await read({ provider: {}, providerSubject, claims, scope });

    expect(ofBefore).toEqual({
      provider: {},
      providerSubject,
      claims,
      scope,
      profile: {},
      said: undefined,
      loginIat: undefined,
      refreshToken: undefined,
    });
  });

  it.each<[what: string, member: keyof SessionContent, value: unknown]>([
    ['no tokens of the provider', 'provider', undefined],
    ['a text for tokens', 'provider', 'text'],
    ['no claims', 'claims', undefined],
    ['claims without a subject', 'claims', {}],
    ['a subject that is no text', 'claims', { sub: 1 }],
    ['no subject of the provider', 'providerSubject', undefined],
    ['no scope', 'scope', undefined],
    ['a scope that is a list', 'scope', ['openid']],
  ])('fault 12: with %s is none', async (_what, member, value) => {
    expect(await read({ ...whole, [member]: value })).toBeUndefined();
  });

  it('fault 12: is none when it is no object', async () => {
    expect(await read([whole])).toBeUndefined();
    expect(await read(null)).toBeUndefined();
  });

  it('fault 12: counts as absent where it has another type', async () => {
    const odd = {
      ...whole,
      provider: { accessToken: 1, accessExpiresAt: '1', refreshToken: {}, refreshExpiresAt: null },
      loginIat: '3',
      profile: 'Alice',
      said: { accessToken: 'a', idToken: [1], userinfo: null },
      refreshToken: 7,
    };

    expect(await read(odd)).toEqual({
      ...whole,
      provider: {},
      loginIat: undefined,
      profile: {},
      said: {},
      refreshToken: undefined,
    });
    expect(await read({ ...whole, said: 'x' })).toEqual({ ...whole, said: undefined });
  });
});

function long(length: number): string {
  return 'x'.repeat(length);
}

describe('a session with too much to remember', () => {
  const provider = { ...whole.provider, accessToken: undefined, accessExpiresAt: undefined };

  it('DS-2: fills a row to its last character', async () => {
    const base = (await contents.seal(ID, whole))?.length ?? 0;
    const fits = Math.floor(((MOST - base) * 3) / 4) - 2;
    const lengths: number[] = [];
    for (let more = 0; more < 12; more += 1) {
      const { sealed, opened } = await sealedAndOpened({ ...whole, scope: long(fits + more) });
      if (opened?.provider.accessToken !== undefined) lengths.push(sealed?.length ?? 0);
    }

    expect(Math.max(...lengths)).toBe(MOST);
  });

  it.each<[what: string, content: SessionContent, kept: Partial<SessionContent>]>([
    [
      'the access token of the provider first',
      { ...whole, provider: { ...whole.provider, accessToken: long(MOST) } },
      { provider },
    ],
    [
      'its ID token next',
      { ...whole, provider: { ...whole.provider, idToken: long(MOST) } },
      { provider: { ...provider, idToken: undefined } },
    ],
    [
      'what the provider said last',
      { ...whole, said: { userinfo: { long: long(MOST) } } },
      { provider: { ...provider, idToken: undefined }, said: undefined },
    ],
  ])('DS-2: leaves out %s', async (_what, content, kept) => {
    const { opened } = await sealedAndOpened(content);

    expect(opened).toEqual({ ...whole, ...kept });
  });

  it('DS-2: is not kept when all of that is not enough', async () => {
    expect(await contents.seal(ID, { ...whole, scope: long(MOST) })).toBeUndefined();
  });
});
