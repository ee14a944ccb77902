import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { configure, fetch, login, wantedLogin } from '../../../lib/browser/index.js';

const challenge = (attributes: string): Response =>
  new Response('', {
    status: 401,
    headers: {
      'www-authenticate': `Bearer error="insufficient_user_authentication", error_description="x"${attributes}`,
    },
  });

describe('a login that a page wants', () => {
  const assign = vi.fn();

  beforeEach(() => {
    vi.stubGlobal('location', {
      href: 'https://app.example.org/a',
      pathname: '/a',
      search: '',
      hash: '',
      assign,
    });
  });

  afterEach(() => {
    vi.unstubAllGlobals();
    assign.mockReset();
    configure({ unauthenticated: 'event' });
  });

  it.each<[Parameters<typeof login>, string]>([
    [[], 'return_to=%2Fa'],
    [['/b', {}], 'return_to=%2Fb'],
    [['/b', { acrValues: 'gold' }], 'return_to=%2Fb&acr_values=gold'],
    [['/b', { acrValues: ['urn:a', 'b&c'] }], 'return_to=%2Fb&acr_values=urn%3Aa%20b%26c'],
    [['/b', { maxAge: 0 }], 'return_to=%2Fb&max_age=0'],
    [[undefined, { acrValues: 'x', maxAge: 9 }], 'return_to=%2Fa&acr_values=x&max_age=9'],
  ])('is asked for: %j', (given, query) => {
    login(...given);

    expect(assign.mock.calls).toEqual([[`/auth/v2/login?${query}`]]);
  });

  it.each([
    [', acr_values="gold platinum", max_age="300"', { acrValues: 'gold platinum', maxAge: 300 }],
    [', max_age="300"', { acrValues: undefined, maxAge: 300 }],
    [', acr_values="gold"', { acrValues: 'gold', maxAge: undefined }],
  ])('is read from the challenge %s', (attributes, wanted) => {
    expect(wantedLogin(challenge(attributes))).toEqual(wanted);
  });

  it('is none of other refusals', () => {
    const headers = { 'www-authenticate': 'Bearer error="invalid_token"' };

    expect(wantedLogin(new Response('', { status: 401, headers }))).toBeUndefined();
    expect(wantedLogin(new Response(''))).toBeUndefined();
  });

  it('is the page’s to begin: it would go round in circles where the server ignores what it asks for', async () => {
    configure({ unauthenticated: 'login' });
    const answer = challenge(', acr_values="gold"');
    vi.stubGlobal('fetch', async () => answer);

    expect(await fetch('/transfer')).toBe(answer);
    expect(assign).not.toHaveBeenCalled();
  });
});
