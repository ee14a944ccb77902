import { METRICS } from '../../lib/telemetry/metrics.js';

export const METRICS_BEGIN = '<!-- Made from `METRICS` by `npm run docs:write`. -->';
export const METRICS_END = '<!-- End of what is made. -->';

/** The metrics on the page about telemetry, before formatting. */
export function metricsText(): string {
  const rows = Object.entries(METRICS).map(([name, { kind, unit, description, attributes }]) => {
    const named = attributes.map((attribute) => `\`${attribute}\``).join(', ');
    return `| \`${name}\` | ${kind.replace('observed ', '')} | \`${unit}\` | ${description} | ${named} |`;
  });
  return ['| metric | kind | unit | what | attributes |', '| - | - | - | - | - |', ...rows].join(
    '\n',
  );
}
