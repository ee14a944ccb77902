import { describe, expect, it } from 'vitest';

import { OAuthError, invalidToken } from '../../../lib/errors/oauth.error.js';
import { withoutStack } from '../../../lib/errors/without-stack.js';
import { missingToken } from '../../../lib/tokens/bearer-token.js';

const FRAME = /\n\s+at /;

function fails(): Error {
  throw new TypeError('not made');
}

describe('withoutStack', () => {
  it('leaves out where an error was made, and nothing else', () => {
    const cause = new Error('underneath');
    const made = withoutStack(() => new RangeError('out of it', { cause }));

    expect(made.stack).toBe('RangeError: out of it');
    expect(made.cause).toBe(cause);
    expect(cause.stack).toMatch(FRAME);
  });

  it('leaves the stacks of all later errors alone, also where nothing could be made', () => {
    const limit = Error.stackTraceLimit;

    expect(() => withoutStack(fails)).toThrow('not made');
    expect(Error.stackTraceLimit).toBe(limit);
    expect(new Error('later').stack).toMatch(FRAME);
  });

  it('is for the two refusals that strangers cause by the thousand', () => {
    expect(invalidToken('signature').stack).not.toMatch(FRAME);
    expect(missingToken().stack).not.toMatch(FRAME);
    expect(new OAuthError('insufficient_scope', 'No').stack).toMatch(FRAME);
  });

  it('makes errors where the limit cannot be set', () => {
    const limit = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit');
    Object.defineProperty(Error, 'stackTraceLimit', { ...limit, writable: false });
    try {
      expect(invalidToken('signature').error).toBe('invalid_token');
    } finally {
      Object.defineProperty(Error, 'stackTraceLimit', { ...limit, writable: true });
    }
  });
});
