import { describe, expect, it } from 'vitest';

import { requestUri, targetUri } from '../../../lib/dpop/target-uri.js';

describe('the address of a proof', () => {
  it.each([
    ['https://a.example', 'https://a.example/'],
    ['https://a.example/', 'https://a.example/'],
    ['HTTPS://A.EXAMPLE:443/b', 'https://a.example/b'],
    ['http://a.example:80/b', 'http://a.example/b'],
    ['http://a.example:443/b', 'http://a.example:443/b'],
    ['https://a.example/b?c=d#e', 'https://a.example/b'],
    ['https://a.example/b/../c/./d', 'https://a.example/c/d'],
    ['https://a.example/%7euser/%2f%C3%a4', 'https://a.example/~user/%2F%C3%A4'],
    ['https://a.example/%41%2D%2e', 'https://a.example/A-.'],
    ['https://a.example/b//c/', 'https://a.example/b//c/'],
  ])('DP-2: %s in its normal form is %s', (written, normal) => {
    expect(targetUri(written)).toBe(normal);
  });

  it.each([
    '',
    '/b',
    'a.example/b',
    '//a.example/b',
    'ftp://a.example/b',
    'https:/a.example/b',
    'https:a.example/b',
    'https://',
    'https://user@a.example/b',
    'https://:password@a.example/b',
    ' https://a.example/b',
    'https://a.example/b ',
    'https://a.example/\tb',
    'https://a.example/ä',
    'https://a.example:99999/b',
  ])('DP-2: %j is none', (written) => {
    expect(targetUri(written)).toBeUndefined();
  });

  it.each([
    ['https://a.example', '/b?c', 'https://a.example/b'],
    ['https://a.example', '/', 'https://a.example/'],
    ['https://a.example', '', 'https://a.example/'],
    ['https://a.example', '?c', 'https://a.example/'],
    ['https://a.example/base', '/b', 'https://a.example/base/b'],
    ['https://a.example/base', '/', 'https://a.example/base/'],
    ['https://a.example', '//evil.example/b', 'https://a.example//evil.example/b'],
    ['https://a.example', 'http://evil.example/b', 'https://a.example/b'],
    ['https://a.example', 'HTTPS://evil.example:1/b?c', 'https://a.example/b'],
    ['https://a.example', '/b#c', 'https://a.example/b'],
    [
      'https://a.example',
      '/to/https://evil.example/b',
      'https://a.example/to/https://evil.example/b',
    ],
    ['https://a.example', '/.well-known/b.', 'https://a.example/.well-known/b.'],
    ['https://a.example', '/.../b', 'https://a.example/.../b'],
  ])('DP-2: below %s the request for %s has the address %s', (publicUrl, target, uri) => {
    expect(requestUri(publicUrl, target)).toBe(uri);
  });

  it.each([
    '/a/../b',
    '/a/..',
    '/./b',
    '/a/%2e%2e/b',
    '/a/%2E./b',
    '/a/.%2e',
    '/a\\..\\b',
    '/a\\b',
    '\\b',
    '*',
    'b',
    '@evil.example/b',
  ])('DP-2: the request for %s has none: routers read it differently', (target) => {
    expect(requestUri('https://a.example', target)).toBeUndefined();
  });
});
