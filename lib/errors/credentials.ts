/** What stands for a secret in a log. */
export const HIDDEN = '[hidden]';

/** What looks like a credential, whoever put it there. */
const CREDENTIALS: readonly [pattern: RegExp, replacement: string][] = [
  [/\beyJ[\w-]{8,}(?:\.[\w-]*)*/g, HIDDEN], // JWS and JWE in compact serialisation
  [/\b(Bearer|Basic|DPoP) +[\w\-.~+/]{16,}=*/gi, `$1 ${HIDDEN}`],
  [/(:\/\/[^\s:/?#@]*:)[^\s/?#@]+@/g, `$1${HIDDEN}@`], // the password in a URL
  [
    /((?:secret|token|assertion|verifier|password|\bcode)["']?\s*(?:=(?!>)["']?|(?:=>|:)\s*["']))[^\s"'&,;)}\]]{6,}/gi,
    `$1${HIDDEN}`,
  ],
];

/** A text without what looks like a credential in it. */
export function withoutCredentials(text: string): string {
  return CREDENTIALS.reduce((left, [pattern, shown]) => left.replace(pattern, shown), text);
}
