import { toUSVString } from 'node:util';

/** Shorter values turn up in any text by chance. */
const SHORTEST = 8;

/** Secrets and their kinds, by their first characters: a test may register tens of thousands. */
const canaries = new Map<string, Map<string, string>>();

/**
 * Adds a value that must not turn up in any output from now on; the check runs after every test.
 *
 * @example `registerSecret(sessionCookie, 'session cookie')`
 */
export function registerSecret(value: string, kind = 'secret'): void {
  if (value.length < SHORTEST) {
    throw new Error(`A canary needs ${SHORTEST} characters, else it is found everywhere: ${kind}`);
  }
  for (const form of formsOf(value)) {
    const start = form.slice(0, SHORTEST);
    const alike = canaries.get(start) ?? new Map<string, string>();
    canaries.set(start, alike.set(form, kind));
  }
}

/** Forgets them all: what a file's tests kept secret is of no concern to those of the next one. */
export function forgetSecrets(): void {
  canaries.clear();
}

/** The same for values of answers and requests, which may be absent, of another type or too short. */
export function registerIfSecret(value: unknown, kind: string): void {
  if (typeof value === 'string' && value.length >= SHORTEST) registerSecret(value, kind);
}

/** The registered secrets that a text holds, by kind. */
export function secretsIn(text: string): string[] {
  const found = new Map<string, string>();
  for (let at = 0; at <= text.length - SHORTEST; at += 1) {
    for (const [value, kind] of canaries.get(text.slice(at, at + SHORTEST)) ?? []) {
      if (text.startsWith(value, at)) found.set(value, kind);
    }
  }
  return [...found].map(([value, kind]) => `${kind} (…${value.slice(-6)})`);
}

/** A value as it may be written in a log: as it is, URL-encoded, and the telling parts of a JWT alone. */
function formsOf(value: string): Set<string> {
  const jwtParts = value.startsWith('ey') ? value.split('.').slice(1) : [];
  const telling = jwtParts.filter((part) => part.length >= 16);
  return new Set([value, encodeURIComponent(toUSVString(value)), ...telling]);
}
