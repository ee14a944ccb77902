import { findingKinds } from '../../lib/diagnosis/finding.js';

export const FINDINGS_BEGIN = '<!-- Made from `findingKinds` by `npm run docs:write`. -->';
export const FINDINGS_END = '<!-- End of what is made. -->';

/** What a diagnosis can find, before formatting. */
export function findingsText(): string {
  return Object.entries(findingKinds)
    .map(([code, { text, severity, mend }]) => {
      const kind = severity === 'warning' ? ' (a warning)' : '';
      return `- <a id="${code}"></a>**\`${code}\`**${kind}: ${text}. _Mend:_ ${withCode(mend)}.`;
    })
    .join('\n');
}

/** Option names and values stand in quotation marks at a terminal, and as code on a page. */
function withCode(mend: string): string {
  return mend
    .replace(
      /"([^"]*)"(: (?:\{[^}]*\}|'[^']*'))?/g,
      (_, name: string, value = '') => `\`${name}${value}\``,
    )
    .replace(/``([^`]+)``/g, '`$1`');
}
