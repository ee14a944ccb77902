import { TROUBLESHOOTING_ANCHORS, type TroubleshootingAnchor } from './page-anchors.js';

/** Where the pages are, those of exactly the version that runs: they come with the package. */
const PAGES = 'nestjs-oidc-auth/docs';

const known: ReadonlySet<string> = new Set(TROUBLESHOOTING_ANCHORS);

/** The anchors of reasons, for one whose name holds a value. */
export type ReasonAnchor = Extract<TroubleshootingAnchor, `reason-${string}`>;

/** Words as an anchor has them: `the-login-cookie-is-missing`. */
export function anchorOf(words: string): string {
  return words
    .toLowerCase()
    .replace(/[^\w\s-]/g, '')
    .replace(/[\s-]+/g, '-')
    .replace(/^-|-$/g, '');
}

/** Where to read on about a refusal: at the first of these anchors that the page has. */
export function refusalLink(anchors: readonly string[]): string {
  const found = anchors.find((anchor) => known.has(anchor));
  return `${PAGES}/troubleshooting.md${found === undefined ? '' : `#${found}`}`;
}

/** Where to read on about a warning at start-up. */
export function warningLink(anchor: Extract<TroubleshootingAnchor, `log-${string}`>): string {
  return refusalLink([anchor]);
}

/** Where to read on about an event. */
export function eventLink(name: string): string {
  return `${PAGES}/operations.md#event-${name}`;
}

/** Where to read on about a finding of the diagnosis. */
export function findingLink(code: string): string {
  return `${PAGES}/diagnosis.md#${code}`;
}

/** A line with where to read on at its end. */
export function withLink(line: string, link: string): string {
  return `${line} (${link})`;
}
