import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { format, resolveConfig } from 'prettier';

import { anchorsModule } from './anchors.js';
import { EVENTS_BEGIN, EVENTS_END, eventsText } from './events-list.js';
import { FINDINGS_BEGIN, FINDINGS_END, findingsText } from './findings-list.js';
import { METRICS_BEGIN, METRICS_END, metricsText } from './metrics-table.js';
import { OPTIONS_BEGIN, OPTIONS_END, optionsText } from './options-page.js';
import { TsDoc } from './tsdoc.js';

/** The parts of pages that are made from the code. */
const PARTS = [
  { page: 'docs/options.md', begin: OPTIONS_BEGIN, end: OPTIONS_END, make: optionsText },
  { page: 'docs/operations.md', begin: EVENTS_BEGIN, end: EVENTS_END, make: eventsText },
  { page: 'docs/diagnosis.md', begin: FINDINGS_BEGIN, end: FINDINGS_END, make: findingsText },
  { page: 'docs/telemetry.md', begin: METRICS_BEGIN, end: METRICS_END, make: metricsText },
];

/** A page with what is between its marks replaced. */
function between(text: string, begin: string, end: string, made: string): string {
  const from = text.indexOf(begin);
  const to = text.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`The marks are not there: ${begin} … ${end}`);
  return `${text.slice(0, from + begin.length)}\n\n${made}\n\n${text.slice(to)}`;
}

export interface MadePage {
  readonly page: string;
  /** As the file is. */
  readonly written: string;
  /** As it should be. */
  readonly made: string;
}

/** Each page with parts that are made from the code, and the anchors that the code names, as it is and as it should be. */
export async function madePages(root: string): Promise<readonly MadePage[]> {
  const code = new TsDoc(join(root, 'lib'));
  const config = await resolveConfig(join(root, 'docs/options.md'));
  const pages = await Promise.all(
    PARTS.map(async ({ page, begin, end, make }) => {
      const written = readFileSync(join(root, page), 'utf8');
      const text = between(written, begin, end, make(code));
      return { page, written, made: await format(text, { ...config, parser: 'markdown' }) };
    }),
  );
  const anchors = anchorsModule(readFileSync(join(root, 'docs/troubleshooting.md'), 'utf8'));
  const page = 'lib/errors/page-anchors.ts';
  const made = await format(anchors, { ...config, parser: 'typescript' });
  return [...pages, { page, written: readFileSync(join(root, page), 'utf8'), made }];
}
