import { expect } from 'vitest';

import type { Reply } from './http-request.js';

/**
 * Asserts that an answer is a refusal in the shape of the wire contract, and nothing more: no cookie, no
 * redirect, no member beside the four of the error body.
 *
 * @example `expectRefusal(reply, 400, 'invalid_grant')`
 */
export function expectRefusal(reply: Reply, status: number, error: string): void {
  const body = reply.json();

  expect({ status: reply.status, error: body['error'] }).toEqual({ status, error });
  expect(body).toEqual({
    statusCode: status,
    error,
    error_description: expect.stringMatching(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/), // RFC 6749 §5.2
    detail: body['error_description'],
  });
  expect(reply.headers.get('content-type')).toMatch(/^application\/json/);
  expect(reply.headers.get('cache-control')).toBe('no-store');
  expect(reply.headers.getSetCookie()).toEqual([]);
  expect(reply.headers.get('location')).toBeNull();
  expect(reply.headers.has('retry-after')).toBe(status === 503);
}
