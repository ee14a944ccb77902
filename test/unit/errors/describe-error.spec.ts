import { ClientError, ResponseBodyError } from 'openid-client';
import { describe, expect, it } from 'vitest';

import { describeError, printable } from '../../../lib/errors/describe-error.js';
import { OAuthError, badUpstreamAnswer, unavailable } from '../../../lib/errors/oauth.error.js';

const CANARY = 'canary-token-eyJhbGciOiJSUzI1NiJ9';

/** What openid-client throws when a token endpoint refuses. */
function refusal(error: string): ResponseBodyError {
  const cause = { error, error_description: CANARY, hint: CANARY };
  const response = new Response(JSON.stringify(cause), { status: 400 });
  return new ResponseBodyError(`unexpected ${CANARY}`, { cause, response });
}

const forging: [name: string, text: string][] = [
  ['CR and LF', 'x\r\n[Nest] 1 - LOG forged'],
  ['LF', 'x\nforged'],
  ['CR', 'x\rforged'],
  ['an ANSI sequence', 'x\u001b[2K\u001b[1Aforged'],
  ['an ANSI sequence of 8 bits', 'x\u009b2Kforged'],
  ['U+2028', 'x\u2028forged'],
  ['U+2029', 'x\u2029forged'],
  ['NEL', 'x\u0085forged'],
  ['a vertical tab and a form feed', 'x\u000b\u000cforged'],
  ['NUL, BEL and backspace', 'x\u0000\u0007\u0008forged'],
  ['DEL', 'x\u007fforged'],
];

// oxlint-disable-next-line no-control-regex -- these are what is looked for
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

describe('printable', () => {
  it.each(forging)('LG-2: escapes %s', (_name, text) => {
    const printed = printable(text);

    expect(printed).not.toMatch(UNSAFE);
    expect(printed).toMatch(/^x\\u[0-9a-f]{4}/);
    expect(printed).toContain('forged');
  });

  it('LG-2: cuts to 200 characters', () => {
    expect(printable('x'.repeat(100_000))).toBe('x'.repeat(200));
  });

  it.each([undefined, null, 7, { toString: () => 'x\ny' }])('LG-2: takes %s', (value) => {
    expect(printable(value)).not.toMatch(UNSAFE);
  });
});

describe('describeError', () => {
  it('LG-1: says of a library error its name, code, status and OAuth code', () => {
    expect(describeError(refusal('invalid_grant'))).toBe(
      'ResponseBodyError OAUTH_RESPONSE_BODY_ERROR status 400 invalid_grant',
    );
  });

  it('LG-1: repeats no OAuth code that is unknown', () => {
    expect(describeError(refusal(CANARY))).not.toContain('canary');
    expect(describeError(refusal(`invalid_grant ${CANARY}`))).not.toContain('canary');
  });

  it('LG-1: leaves out messages, bodies and claims along the whole chain of causes', () => {
    const cause = new TypeError(CANARY, { cause: refusal('invalid_grant') });
    const error = new ClientError(`failed ${CANARY}`, { cause });
    error.code = 'OAUTH_INVALID_RESPONSE';

    const described = describeError(badUpstreamAnswer(error));

    expect(described).toMatch(/^OAuthError .*ClientError OAUTH_INVALID_RESPONSE.*TypeError/);
    expect(described).toContain('invalid_grant');
    expect(described).not.toContain('canary');
  });

  it('LG-1: names the reason of a refused connection', () => {
    const system = Object.assign(new Error(`connect ${CANARY}`), { code: 'ECONNREFUSED' });

    const described = describeError(unavailable(new TypeError('fetch failed', { cause: system })));

    expect(described).toContain('ECONNREFUSED');
    expect(described).not.toContain('canary');
  });

  it('LG-1: names the reason that we gave ourselves', () => {
    expect(describeError(unavailable('timed out'))).toContain('timed out');
  });

  it.each([undefined, null, 7, {}, { message: CANARY, stack: CANARY }, [CANARY]])(
    'LG-1: says only the type of %j',
    (value) => {
      expect(describeError(value)).toBe(typeof value);
    },
  );

  it('LG-1: ends with a chain of causes that never does', () => {
    const error = new Error(CANARY);
    error.cause = error;

    expect(describeError(error).length).toBeLessThan(500);
  });

  it.each(forging)('LG-2: escapes %s in codes', (_name, text) => {
    const error = Object.assign(new Error('x'), { code: text, error: text });

    expect(describeError(error)).not.toMatch(UNSAFE);
    expect(describeError(text)).not.toMatch(UNSAFE);
    expect(describeError(unavailable(text))).not.toMatch(UNSAFE);
  });

  it('LG-2: escapes what stands in the name of an error', () => {
    const error = new Error('x');
    error.name = 'x\r\nforged';

    expect(describeError(error)).not.toMatch(UNSAFE);
  });

  it('LG-1: keeps the reason of a refusal out of its body', () => {
    const error = new OAuthError('server_error', 'Something failed', { cause: refusal('x') });

    expect(JSON.stringify(error.getResponse())).not.toContain('canary');
  });
});
