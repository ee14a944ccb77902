import { describe, expect, it } from 'vitest';

import { presentedToken } from '../../../lib/tokens/bearer-token.js';
import { handshakeCredentials, realProtocols } from '../../../lib/websockets/handshake.js';

/** The token of a handshake, by its subprotocols, socket.io's `auth` and its header. */
function tokenOf(protocols: string | undefined, auth?: unknown, authorization?: string): string {
  const headers = {
    ...(protocols === undefined ? {} : { 'sec-websocket-protocol': protocols }),
    ...(authorization === undefined ? {} : { authorization }),
  };
  const rawHeaders = Object.entries(headers).flat();
  const credentials = handshakeCredentials({ headers, rawHeaders }, auth);
  return presentedToken(credentials.headers, credentials.rawHeaders).token;
}

describe('the token of a handshake', () => {
  it.each<[string, Parameters<typeof tokenOf>]>([
    ['a subprotocol beside another', ['chat, bearer.abc']],
    ['a subprotocol ahead of another, without spaces', ['bearer.abc,chat']],
    ['auth.token', [undefined, { token: 'abc' }]],
    ['auth.token as a header has it', [undefined, { token: 'Bearer  abc' }]],
    ['auth.token in small letters', [undefined, { token: 'bearer abc' }]],
    ['auth.token beside a subprotocol without one', ['chat', { token: 'abc' }]],
    ['the header', [undefined, undefined, 'Bearer abc']],
    ['the header beside subprotocols', ['chat, log', {}, 'Bearer abc']],
    [
      'the header beside auth of other things',
      [undefined, { user: 'alice', token: 7 }, 'Bearer abc'],
    ],
  ])('is %s', (_, given) => {
    expect(tokenOf(...given)).toBe('abc');
  });

  it.each<[string, Parameters<typeof tokenOf>, RegExp]>([
    ['nothing', [undefined], /required/],
    ['an empty auth.token', [undefined, { token: '' }], /required/],
    ['auth that is no object', [undefined, 'abc'], /required/],
    ['an empty subprotocol', ['chat, bearer.'], /required/],
    ['subprotocols that only look so', ['chat, xbearer.abc, Bearer.abc, bearer'], /required/],
    ['a subprotocol alone', ['bearer.abc'], /another subprotocol/],
    ['two subprotocols alone', ['bearer.abc, bearer.abc'], /another subprotocol/],
    ['two subprotocols', ['chat, bearer.abc, bearer.abc'], /more than one/],
    ['a subprotocol and auth.token', ['chat, bearer.abc', { token: 'abc' }], /more than one/],
    [
      'a subprotocol and the header',
      ['chat, bearer.abc', undefined, 'Bearer abc'],
      /more than one/,
    ],
    ['auth.token and the header', [undefined, { token: 'abc' }, 'Bearer abc'], /more than one/],
    [
      'an empty auth.token and the header',
      [undefined, { token: '' }, 'Bearer abc'],
      /more than one/,
    ],
  ])('is refused for %s', (_, given, why) => {
    expect(() => tokenOf(...given)).toThrow(why);
  });

  it('is refused for two headers', () => {
    const headers = { authorization: 'Bearer abc' };
    const rawHeaders = ['Authorization', 'Bearer abc', 'authorization', 'Bearer def'];
    const credentials = handshakeCredentials({ headers, rawHeaders });

    expect(() => presentedToken(credentials.headers, credentials.rawHeaders)).toThrow(
      /more than one/,
    );
  });

  it('is never among the subprotocols that may be answered with', () => {
    expect(realProtocols(['bearer.abc', 'chat', 'bearer.', 'xbearer.abc'])).toEqual([
      'chat',
      'xbearer.abc',
    ]);
  });
});
