/** Who sent the request that ends a login: for the list of the user's sessions. */
export interface LoginClient {
  /** Its header `User-Agent`: the family is kept, never the text. */
  readonly userAgent?: string | undefined;
  /** The address that it came from, kept with the option `broker.sessionAddresses` alone. */
  readonly address?: string | undefined;
  /** Thumbprint of the key that it has proved to hold: its tokens are bound to it (RFC 9449 §5). */
  readonly key?: string | undefined;
}

type Family = readonly [mark: RegExp, name: string];

/** The first one that fits: browsers name those before them, too. */
const BROWSERS: readonly Family[] = [
  [/\bEdg(e|A|iOS)?\//, 'Edge'],
  [/\b(OPR|OPT|Opera)\//, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\b(Firefox|FxiOS)\//, 'Firefox'],
  [/(Chrome|Chromium|CriOS)\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
];

const SYSTEMS: readonly Family[] = [
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b/, 'macOS'],
  [/\bLinux\b/, 'Linux'],
];

const PROGRAMS: readonly Family[] = [
  [/^curl\//, 'curl'],
  [/^(python|aiohttp)/i, 'Python'],
  [/^(node|undici)\b/, 'Node.js'],
  [/^Go-http-client\//, 'Go'],
  [/^(Java|okhttp)\b/, 'Java'],
  [/^Dart\//, 'Dart'],
];

const MOST_READ = 512;
/** IPv6, with what stands for IPv4. */
const LONGEST_ADDRESS = 45;

/** Such as "Firefox on Linux": words of ours, whatever was sent; `undefined` for what nobody knows. */
export function deviceOf({ userAgent = '' }: LoginClient): string | undefined {
  const text = userAgent.slice(0, MOST_READ);
  const nameIn = (families: readonly Family[]) => families.find(([mark]) => mark.test(text))?.[1];
  const parts = [nameIn(BROWSERS) ?? nameIn(PROGRAMS), nameIn(SYSTEMS)];
  return parts.filter((part) => part !== undefined).join(' on ') || undefined;
}

/** An IPv4 address as such, however the socket writes it. */
export function addressOf({ address }: LoginClient): string | undefined {
  return address?.replace(/^::ffff:(?=\d+\.)/i, '').slice(0, LONGEST_ADDRESS);
}
