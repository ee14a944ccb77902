import { describe, expect, it } from 'vitest';

import { addressOf, deviceOf } from '../../../lib/login/login-client.js';

const WEBKIT = 'AppleWebKit/537.36 (KHTML, like Gecko)';

describe('what a user is told of the client of a login', () => {
  it.each<[device: string | undefined, userAgent: string | undefined]>([
    ['Firefox on Linux', 'Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0'],
    [
      'Chrome on Windows',
      `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${WEBKIT} Chrome/142.0.0.0 Safari/537.36`,
    ],
    [
      'Edge on Windows',
      `Mozilla/5.0 (Windows NT 10.0) ${WEBKIT} Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0`,
    ],
    [
      'Opera on macOS',
      `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${WEBKIT} Chrome/142.0.0.0 Safari/537.36 OPR/126.0.0.0`,
    ],
    [
      'Safari on macOS',
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15',
    ],
    [
      'Safari on iPhone',
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1',
    ],
    [
      'Firefox on iPhone',
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/144.0 Mobile/15E148 Safari/605.1.15',
    ],
    [
      'Chrome on iPad',
      'Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0.0.0 Mobile/15E148 Safari/604.1',
    ],
    [
      'Samsung Internet on Android',
      `Mozilla/5.0 (Linux; Android 10; K) ${WEBKIT} SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36`,
    ],
    [
      'Chrome on ChromeOS',
      `Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) ${WEBKIT} Chrome/142.0.0.0 Safari/537.36`,
    ],
    [
      'Chrome on Linux',
      `Mozilla/5.0 (X11; Linux x86_64) ${WEBKIT} HeadlessChrome/142.0.0.0 Safari/537.36`,
    ],
    ['Python', 'python-httpx/0.28.1'],
    ['Python', 'Python/3.11 aiohttp/3.12.15'],
    ['curl', 'curl/8.5.0'],
    ['Node.js', 'node'],
    ['Linux', 'Some program of tomorrow (Linux)'],
    [undefined, 'secret-program/1.0 of somebody'],
    [undefined, '<script>alert(1)</script>'],
    [undefined, `${' '.repeat(512)}Firefox/144.0`],
    [undefined, ''],
    [undefined, undefined],
  ])('is %s', (device, userAgent) => {
    expect(deviceOf({ userAgent })).toBe(device);
  });

  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['192.0.2.1', '::ffff:192.0.2.1'],
    ['2001:db8::1', '2001:db8::1'],
    ['x'.repeat(45), 'x'.repeat(1000)],
    [undefined, undefined],
  ])('is the address %s', (shown, address) => {
    expect(addressOf({ address })).toBe(shown);
  });
});
