import { describe, expect, it, vi } from 'vitest';

import { OAuthError } from '../../../lib/errors/oauth.error.js';
import { ChosenProvider, type ProviderChoice } from '../../../lib/login/chosen-provider.js';

interface Entry {
  readonly name: string;
  readonly expectedIssuers?: readonly string[];
  readonly tenants?: readonly string[];
  readonly issuers: readonly string[];
  readonly sendsIssuer?: boolean;
}

const STAFF: Entry = { name: 'staff', expectedIssuers: ['https://s'], issuers: ['https://s'] };
const SHOP: Entry = {
  name: 'shop',
  expectedIssuers: ['https://c'],
  issuers: ['https://c'],
  sendsIssuer: true,
};
/** Whose tenants have issuers of their own, by their ids. */
const CLOUD: Entry = {
  name: 'cloud',
  tenants: ['t1', 't2'],
  issuers: ['https://t1', 'https://t2'],
};
const TWIN: Entry = { ...SHOP, name: 'twin' };

interface Surroundings {
  readonly entries?: readonly Entry[];
  readonly home?: string | undefined;
  readonly resolve?: () => Promise<string | undefined>;
  readonly sharedRedirects?: string;
}

function chosen({ entries = [STAFF, SHOP, CLOUD], home, resolve, sharedRedirects }: Surroundings) {
  const all = entries.map((entry) => ({
    name: entry.name,
    options: { expectedIssuers: entry.expectedIssuers ?? [], tenants: entry.tenants ?? [] },
    isIssuer: vi.fn(async (iss: string) => entry.issuers.includes(iss)),
    sendsIssuer: async () => entry.sendsIssuer === true,
  }));
  const providers = {
    several: all.length > 1,
    all: async () => all,
    wanted: async (name?: string) => all.find((one) => one.name === (name ?? all[0]?.name)),
  };
  const options = { providers: { resolve, sharedRedirects } };
  const made = new ChosenProvider(
    Object(providers),
    Object({ absolute: (path: string) => home && home + path }),
    Object(options),
  );
  const named = (name: string) => Object(all.find((one) => one.name === name));
  return { made, all, named };
}

/** `done`, or status and code. */
async function outcome(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'done';
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    return `${error.getStatus()} ${error.error}`;
  }
}

const HOME = 'https://app.example.org';
const at = (host: string) => Object({ host });

describe('the provider of a login', () => {
  it.each<[choice: ProviderChoice, surroundings: Surroundings, name: string, byHost: boolean]>([
    [{}, {}, 'staff', false],
    [{ provider: 'shop' }, {}, 'shop', false],
    [{ iss: 'https://c' }, {}, 'shop', false],
    [{ iss: 'https://t2' }, {}, 'cloud', false],
    [{ iss: 'https://c', provider: 'twin' }, { entries: [SHOP, TWIN] }, 'twin', false],
    [{ request: at('app.example.org') }, { home: HOME }, 'staff', false],
    [{ request: at('shop.example.org') }, { home: HOME }, 'staff', false],
    [
      { request: at('app.example.org') },
      { home: HOME, resolve: async () => 'shop' },
      'shop',
      false,
    ],
    [
      { request: at('shop.example.org') },
      { home: HOME, resolve: async () => 'shop' },
      'shop',
      true,
    ],
    [{ request: at('shop.example.org') }, { resolve: async () => 'shop' }, 'shop', false],
    [
      { request: at('shop.example.org') },
      { home: HOME, resolve: async () => undefined },
      'staff',
      false,
    ],
    [{}, { home: HOME, resolve: async () => 'shop' }, 'staff', false],
    [
      { provider: 'cloud', request: at('shop.example.org') },
      { home: HOME, resolve: async () => 'shop' },
      'cloud',
      false,
    ],
  ])('%j, with %j: %s', async (choice, surroundings, name, byHost) => {
    const { made } = chosen(surroundings);

    expect(await made.of(choice)).toMatchObject({ provider: { name }, byHost });
  });

  it.each<[choice: ProviderChoice, entries: readonly Entry[]]>([
    [{ iss: 'https://nobody' }, [STAFF, SHOP]],
    [{ iss: 'https://c' }, [SHOP, TWIN]],
    [{ iss: 'https://c', provider: 'staff' }, [STAFF, SHOP]],
    [{ iss: 'https://t3' }, [STAFF, CLOUD]],
    [{ iss: 'https://t1.evil' }, [STAFF, CLOUD]],
  ])('is none: %j', async (choice, entries) => {
    const { made } = chosen({ entries });

    expect(await outcome(made.of(choice))).toBe('400 invalid_request');
  });

  it('of an issuer that two have needs a name besides, and the log says so', async () => {
    const { made } = chosen({ entries: [SHOP, TWIN] });

    await expect(made.of({ iss: 'https://c' })).rejects.toMatchObject({
      cause: { mend: 'say "provider" too: two have this issuer' },
    });
    await expect(made.of({ iss: 'https://nobody' })).rejects.toMatchObject({
      cause: { mend: undefined },
    });
  });

  it('MP-5: asks nobody about an issuer that cannot be its own', async () => {
    const { made, all } = chosen({});

    await made.of({ iss: 'https://t1' });

    expect(all.map(({ isIssuer }) => isIssuer.mock.calls.length)).toEqual([0, 0, 1]);
  });
});

describe('MP-1: a login that ends elsewhere than at our callback', () => {
  it.each<[name: string, surroundings: Surroundings, outcome: string]>([
    ['staff', {}, '400 invalid_request'],
    ['shop', {}, 'done'],
    ['staff', { sharedRedirects: 'staff' }, 'done'],
    ['staff', { sharedRedirects: 'shop' }, '400 invalid_request'],
    ['staff', { entries: [STAFF] }, 'done'],
  ])('at %s, with %j: %s', async (name, surroundings, expected) => {
    const { made, named } = chosen(surroundings);

    expect(await outcome(made.checkElsewhere(named(name)))).toBe(expected);
  });
});

describe('MP-1: the issuer that came with a code', () => {
  it.each<[name: string, iss: string | undefined, surroundings: Surroundings, outcome: string]>([
    ['shop', 'https://c', {}, 'done'],
    ['shop', 'https://s', {}, '400 invalid_grant'],
    ['shop', undefined, {}, '400 invalid_grant'],
    ['staff', 'https://s', {}, '400 invalid_grant'], // it sends none: who says so?
    ['staff', 'https://s', { sharedRedirects: 'staff' }, 'done'],
    ['staff', undefined, { sharedRedirects: 'staff' }, 'done'],
    ['staff', 'https://c', { sharedRedirects: 'staff' }, '400 invalid_grant'],
    ['staff', 'https://c', { entries: [STAFF] }, 'done'], // one provider alone is no matter of mix-up
    ['staff', undefined, { entries: [STAFF] }, 'done'],
  ])('%s, %j, with %j: %s', async (name, iss, surroundings, expected) => {
    const { made, named } = chosen(surroundings);

    expect(await outcome(made.checkIssuer(named(name), iss))).toBe(expected);
  });
});
