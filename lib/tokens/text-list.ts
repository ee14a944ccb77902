/** A claim that is a list of texts at one provider and a single text at another: one text is a list of one. */
export function textList(value: unknown): string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.filter((entry): entry is string => typeof entry === 'string' && entry !== '');
}

/** RFC 6749 §3.3. */
export function isScope(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(value);
}

/** Scopes in one text, with spaces between them, or in a list, one in each entry. */
export function scopeWords(value: unknown): string[] {
  const words = typeof value === 'string' ? value.split(' ') : textList(value);
  return words.filter(isScope);
}
