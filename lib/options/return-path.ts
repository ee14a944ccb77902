const LONGEST = 512;

/** What browsers and routers strip, decode or read as another character: blanks, controls, backslashes, also encoded ones. */
const AMBIGUOUS = /[^\x21-\x7e]|\\|%(?:0[0-9a-f]|1[0-9a-f]|5c|7f)/i;

/** Whether an address has one reading only, and is short enough to travel in another one. */
export function isUnambiguous(address: string): boolean {
  return address.length <= LONGEST && !AMBIGUOUS.test(address);
}

/**
 * Whether a text is a path below `publicUrl` as a browser would ask for it: no spelling of it names another host (CWE-601), or leads out of the path
 * of `publicUrl`.
 */
export function isReturnPath(path: string): boolean {
  if (!isUnambiguous(path) || !path.startsWith('/')) return false;
  if (path.includes('//') || /^\/%2f/i.test(path)) return false;
  const { href, origin } = new URL(path, 'http://localhost');
  return href === origin + path; // no dot segments
}
