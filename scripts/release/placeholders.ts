/** What the owner of the project has to fill in is called so, wherever it stands. */
export const PLACEHOLDER = 'OWNER';

const REQUIRED = ['repository', 'homepage', 'bugs', 'author'] as const;
const FIELDS = [...REQUIRED, 'funding'] as const;

/** The fields of `package.json` that are missing or not filled in; `funding` may be missing. */
export function unfilledFields(manifest: Readonly<Record<string, unknown>>): readonly string[] {
  return FIELDS.filter((field) => {
    const value = manifest[field];
    if (value === undefined || value === '') return field !== 'funding';
    return JSON.stringify(value).includes(PLACEHOLDER);
  });
}

/** The texts that are not filled in, by name. */
export function unfilledTexts(texts: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(texts)
    .filter(([, text]) => text.includes(PLACEHOLDER))
    .map(([name]) => name);
}
