/** What a provider may be called: it stands in paths, before subjects and in tokens. */
export function isProviderName(value: unknown): value is string {
  return typeof value === 'string' && /^[a-z0-9][a-z0-9_-]{0,31}$/.test(value);
}
