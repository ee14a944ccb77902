import { expect } from 'vitest';

import type { Reply } from './http-request.js';

/** What a page of ours must say to browsers. */
export function expectPage(reply: Reply, status: number, title: string): void {
  expect([reply.status, reply.headers.get('content-type')]).toEqual([
    status,
    'text/html; charset=utf-8',
  ]);
  expect(reply.text()).toContain(`<h1>${title}</h1>`);
  expect(reply.text()).toMatch(/^<!doctype html><html lang="en">/);
  expect(reply.text()).not.toMatch(/<script|javascript:| on\w+=/i);
  const policy = reply.headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(reply.headers.get('x-frame-options')).toBe('DENY');
  expect(reply.headers.get('cache-control')).toBe('no-store');
  expect(reply.headers.get('referrer-policy')).toBe('no-referrer');
}
