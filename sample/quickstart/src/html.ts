/** Markup that may go into a page as it is. */
export class Html {
  constructor(readonly text: string) {}
}

type Insertion = Html | string | readonly Html[] | undefined;

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Builds markup; strings are escaped on the way in, so that no value can become an element. */
export function html(parts: TemplateStringsArray, ...insertions: readonly Insertion[]): Html {
  const text = parts.map((part, index) => part + render(insertions[index])).join('');
  return new Html(text);
}

function render(insertion: Insertion): string {
  if (insertion === undefined) return '';
  if (insertion instanceof Html) return insertion.text;
  if (typeof insertion === 'string') return escapeHtml(insertion);
  return insertion.map(({ text }) => text).join('');
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '');
}
