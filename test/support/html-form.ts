/** The first form of a page. */
export interface HtmlForm {
  readonly action: URL;
  readonly fields: Readonly<Record<string, string>>;
}

const escapes = new Map([
  ['&amp;', '&'],
  ['&lt;', '<'],
  ['&gt;', '>'],
  ['&quot;', '"'],
  ['&#39;', "'"],
]);

/** Reads the first POST form of a page of the test provider; its buttons do not count as fields. */
export function firstForm(html: string, page: URL): HtmlForm | undefined {
  const [, tag = '', content = ''] = /<form\b([^>]*)>(.*?)<\/form>/is.exec(html) ?? [];
  if (attribute(tag, 'method')?.toLowerCase() !== 'post') return undefined;

  const inputs = [...content.matchAll(/<input\b([^>]*)>/gis)].map(([, input = '']) => input);
  const fields = inputs.map((input): [string, string] => [
    attribute(input, 'name') ?? '',
    attribute(input, 'value') ?? '',
  ]);
  return {
    action: new URL(attribute(tag, 'action') ?? '', page),
    fields: Object.fromEntries(fields.filter(([name]) => name !== '')),
  };
}

function attribute(tag: string, name: string): string | undefined {
  const value = new RegExp(`\\s${name}="([^"]*)"`, 'is').exec(tag)?.[1];
  return value?.replace(/&(?:amp|lt|gt|quot|#39);/g, (escape) => escapes.get(escape) ?? escape);
}
