const MAX_LENGTH = 200;

/**
 * What could forge a line or show another one than is there: everything but letters, marks, digits, punctuation, symbols and the
 * space (so control characters, bidirectional ones, line separators, other blanks, lone surrogates), and of those what is not seen
 * (fillers, joiners, variation selectors, the empty Braille pattern).
 */
const UNPRINTABLE = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]|\p{Default_Ignorable_Code_Point}|\u2800/gu;

/** What nearly everything is: printable without a closer look. */
const PLAIN = /^[\x20-\x7e]*$/;

function escaped(character: string): string {
  const code = (character.codePointAt(0) ?? 0).toString(16);
  return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, '0')}`;
}

/** Makes foreign text safe for one log line: escapes what could forge or hide something, and cuts it to 200 characters. */
export function printable(text: unknown, longest = MAX_LENGTH): string {
  const cut = String(text).slice(0, longest);
  return PLAIN.test(cut) ? cut : cut.replace(UNPRINTABLE, escaped);
}
