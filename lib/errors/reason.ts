import { withoutCredentials } from './credentials.js';
import { type ReasonAnchor, anchorOf } from './page-link.js';
import { printable } from './printable.js';

const MOST_VALUES = 5;
const LONGEST = 400; // of what is looked at; less is shown

/** What the log says of a reason beside its name. Never give a token, a secret or what describes a person. */
export interface ReasonDetails {
  /** What would have been right: one value or a list. */
  readonly expected?: unknown;
  /** What came instead, as it came: it is escaped and cut here. Of objects only the type is shown. */
  readonly came?: unknown;
  /** Names that are missing: scopes, roles, claims. */
  readonly missing?: readonly string[];
  /** The option or decorator that decides: `audience`, `@Auth({ roles })`. */
  readonly option?: string;
  /** What to do about it. */
  readonly mend?: string;
  /** Where the page on troubleshooting tells of it, when the name holds a value. */
  readonly anchor?: ReasonAnchor;
}

function quoted(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return `${value}`;
  if (typeof value !== 'string') return typeof value;
  const safe = withoutCredentials(value.slice(0, LONGEST)).replace(/["\\]/g, '\\$&');
  return `"${printable(safe)}"`;
}

function listed(value: unknown): string {
  if (!Array.isArray(value)) return quoted(value);
  if (value.length === 0) return 'an empty list';
  const more = value.length > MOST_VALUES ? ` and ${value.length - MOST_VALUES} more` : '';
  return value.slice(0, MOST_VALUES).map(quoted).join(', ') + more;
}

/**
 * Why a request was refused, as the log tells it to the host's developer; a `cause` of an {@link OAuthError}. Its texts are safe
 * to print: whoever logs an exception logs its cause too.
 */
export class Reason {
  /** What did not hold, the same for every request that fails so: never with a value of the caller's. */
  readonly name: string;
  readonly expected: string | undefined;
  readonly came: string | undefined;
  readonly missing: string | undefined;
  readonly option: string | undefined;
  readonly mend: string | undefined;
  readonly #anchor: string | undefined;

  constructor(name: string, details: ReasonDetails = {}) {
    this.name = printable(name);
    this.expected = 'expected' in details ? listed(details.expected) : undefined;
    this.came = 'came' in details ? listed(details.came) : undefined;
    this.missing = details.missing && listed(details.missing);
    this.option = details.option;
    this.mend = details.mend;
    this.#anchor = details.anchor;
  }

  /** Where the page on troubleshooting tells of it, if it does. */
  get anchor(): string {
    return this.#anchor ?? `reason-${anchorOf(this.name)}`;
  }

  /** `aud: expected "my-aud", came "account"; see "audience"`. */
  toString(): string {
    const { name, expected, came, missing, option, mend } = this;
    const values = [
      missing && `missing ${missing}`,
      expected && `expected ${expected}`,
      came && `came ${came}`,
    ].filter(Boolean);
    const said = values.length === 0 ? name : `${name}: ${values.join(', ')}`;
    const advice = [option && `see ${option}`, mend].filter(Boolean);
    return [said, ...advice].join('; ');
  }
}
