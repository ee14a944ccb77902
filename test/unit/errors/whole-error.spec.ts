import { describe, expect, it } from 'vitest';

import { wholeError } from '../../../lib/errors/whole-error.js';
import { processorMs } from '../../support/processor-time.js';

const JWT = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl';
const CLIENT_SECRET = 'the-client-secret/+of a test';

/** What an exception of the host's own may hold that is ours. */
const secrets: [name: string, text: string, secret: string][] = [
  ['the client secret', `refused: ${CLIENT_SECRET}!`, CLIENT_SECRET],
  ['a JWT', `bad token ${JWT} here`, JWT],
  ['half a JWT', `bad token ${JWT.slice(0, 40)}`, JWT.slice(10, 40)],
  ['an encrypted token', 'eyJlbmMiOiJBMjU2R0NNIn0..aXY.Y2lwaGVy.dGFn', 'Y2lwaGVy'],
  ['a bearer token', 'sent "Authorization: Bearer abcdef0123456789abcdef"', 'abcdef0123456789'],
  ['basic credentials', 'authorization: Basic bXktY2xpZW50OnNlY3JldA==', 'bXktY2xpZW50'],
  ['a form', 'grant_type=refresh_token&refresh_token=opaque-1234&x=1', 'opaque-1234'],
  ['a code in a form', 'body was code=SplxlOBeZQQYbYS6WxSbIA&state=x', 'SplxlOBeZQQYbYS6WxSbIA'],
  ['a verifier in a form', 'code_verifier=dBjftJeZ4CVP', 'dBjftJeZ4CVP'],
  ['JSON', '{"access_token":"opaque-5678","expires_in":1}', 'opaque-5678'],
  ['an object', "{ client_secret: 'opaque-9012' }", 'opaque-9012'],
  ['parameters', "URLSearchParams { 'refresh_token' => 'opaque-3456' }", 'opaque-3456'],
  ['a password in a URL', 'connect postgres://app:pass-word@db.example/x', 'pass-word'],
];

describe('an exception of the host', () => {
  it('LG-1: is shown with name, message and stack', () => {
    const { message, stack } = wholeError(new RangeError('no account for this tenant'));

    expect(message).toBe('RangeError: no account for this tenant');
    expect(stack).toMatch(
      /^RangeError: no account for this tenant\n {4}at .*whole-error\.spec\.ts/,
    );
  });

  it('LG-1: is shown with its causes', () => {
    const cause = new TypeError('the column is missing', { cause: new Error('the first') });

    const { message, stack } = wholeError(new Error('no account', { cause }));

    expect(message).toBe(
      'Error: no account <- TypeError: the column is missing <- Error: the first',
    );
    expect(stack?.match(/^(Error|TypeError): .*$/gm)).toEqual(message.split(' <- '));
  });

  it('LG-1: ends with causes that never do', () => {
    const error = new Error('round');
    error.cause = error;

    expect(wholeError(error).message.split(' <- ')).toHaveLength(5);
  });

  it.each(secrets)('LG-1: shows no secret of ours: %s', (_name, text, secret) => {
    const cause = Object.assign(new Error(text), { config: text });
    const thrown = [new Error(text), new Error('x', { cause }), text, { detail: text }];

    for (const one of thrown) {
      const { message, stack = '' } = wholeError(one, [CLIENT_SECRET]);
      expect(message + stack).not.toContain(secret);
      expect(message).toContain('[hidden]');
    }
  });

  it.each([
    'connect ECONNREFUSED 127.0.0.1:5432',
    'duplicate key value violates unique constraint "users_pkey"',
    'Unexpected token < in JSON at position 0',
    'Basic authentication is off, Bearer tokens only',
    'error code: 23505, state: open',
    'no such table: users',
  ])('LG-1: leaves what is no secret: %s', (text) => {
    expect(wholeError(new Error(text)).message).toBe(`Error: ${text}`);
  });

  it.each<[thrown: unknown, shown: string]>([
    ['no account', 'no account'],
    [undefined, 'undefined'],
    [null, 'null'],
    [7, '7'],
    [{ status: 401 }, '{ status: 401 }'],
  ])('LG-1: that is no error is shown: %j', (thrown, shown) => {
    expect(wholeError(thrown)).toEqual({ message: shown, stack: undefined });
  });

  it('LG-1: that cannot be shown is named by its type', () => {
    const thrown = {
      get status(): number {
        throw new Error('hidden');
      },
      [Symbol.for('nodejs.util.inspect.custom')]: () => {
        throw new Error('hidden');
      },
    };

    expect(wholeError(thrown).message).toBe('object');
  });

  it('LG-2: forges no line, by message or stack', () => {
    const error = new Error('x\n[Nest] 1 - LOG forged\n    at forged (\u202efile.ts:1:1)');

    const { message, stack = '' } = wholeError(error);

    expect(message).not.toMatch(/[\n\u202e]/);
    const forged = stack.split('\n').filter((line) => line.includes('forged'));
    expect(forged).toEqual([expect.stringMatching(/^Error: x\\u000a\[Nest\]/)]);
  });

  it('LG-2: is cut', () => {
    const { message, stack = '' } = wholeError(new Error('x'.repeat(1_000_000)));

    expect(message.length).toBeLessThan(2100);
    expect(stack.length).toBeLessThan(50_000);
  });

  it('DS-3: is looked through in time that grows with its length', async () => {
    const tookMs = await processorMs(() => {
      for (const part of ['eyJ', 'token=', '://a:', 'Bearer ', '"code":"', ' \n']) {
        wholeError(new Error(part.repeat(100_000)));
      }
    });

    expect(tookMs).toBeLessThan(1000);
  });
});
