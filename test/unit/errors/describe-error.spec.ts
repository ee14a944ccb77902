import { ClientError, ResponseBodyError } from 'openid-client';
import { describe, expect, it } from 'vitest';

import { describeError, reasonOf } from '../../../lib/errors/describe-error.js';
import {
  OAuthError,
  badUpstreamAnswer,
  invalidToken,
  unavailable,
} from '../../../lib/errors/oauth.error.js';
import { Reason } from '../../../lib/errors/reason.js';

const CANARY = 'canary-token-eyJhbGciOiJSUzI1NiJ9';

/** What openid-client throws when a token endpoint refuses. */
function refusal(error: string): ResponseBodyError {
  const cause = { error, error_description: CANARY, hint: CANARY };
  const response = new Response(JSON.stringify(cause), { status: 400 });
  return new ResponseBodyError(`unexpected ${CANARY}`, { cause, response });
}

// oxlint-disable-next-line no-control-regex -- these are what is looked for
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202e]/;

const forging: [name: string, text: string][] = [
  ['CR and LF', 'x\r\n[Nest] 1 - LOG forged'],
  ['an ANSI sequence', 'x\u001b[2K\u001b[1Aforged'],
  ['U+2028', 'x\u2028forged'],
  ['a bidirectional override', 'x\u202eforged'],
];

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

  it('LG-1: says the reason of a refusal whole', () => {
    const details = { expected: ['my-aud'], came: ['account', 'other'], option: '"audience"' };
    const error = invalidToken(new Reason('aud', details));

    expect(describeError(error)).toBe(
      'OAuthError status 401 invalid_token aud: expected "my-aud", came "account", "other"; see "audience"',
    );
  });
});

describe('reasonOf', () => {
  const aud = new Reason('aud', { came: 'account' });

  it.each([
    ['of a refusal', invalidToken(aud), aud],
    [
      'under another refusal',
      new OAuthError('invalid_request', 'x', { cause: invalidToken(aud) }),
      aud,
    ],
    ['that is a text', invalidToken('exp'), new Reason('exp')],
    ['of a library error', invalidToken(new TypeError('x')), undefined],
    ['of a refusal without a cause', invalidToken(), undefined],
  ])('LG-1: finds the reason %s', (_, error, reason) => {
    expect(reasonOf(error)).toEqual(reason);
  });
});
