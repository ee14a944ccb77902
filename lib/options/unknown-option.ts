import { BrowserSessionGroup } from './browser-session-options.js';
import { BrokerGroup } from './broker-options.js';
import { GrantGroup } from './route-options.js';
import { ApplicationGroup } from './oidc-auth-options.js';
import { EntryGroup, SeveralGroup } from './several-providers.js';
import { ProviderGroup } from './provider-options.js';
import { IntrospectionGroup } from './introspection-options.js';
import { EndpointGroup } from './endpoint-options.js';
import { CallGroup } from './call-options.js';
import { OidcConfigError } from '../errors/oidc-config.error.js';
import { namesOf } from './option-group.js';
import { routeDefaults } from './option-defaults.js';

const ofCalls = namesOf(CallGroup);

/** The options by group; `''` is the top. */
const OPTIONS = {
  '': [
    ...new Set([
      ...namesOf(ProviderGroup).filter((name) => !ofCalls.includes(name)),
      ...namesOf(ApplicationGroup),
      ...namesOf(SeveralGroup),
    ]),
  ],
  broker: namesOf(BrokerGroup),
  session: namesOf(BrowserSessionGroup),
  routes: Object.keys(routeDefaults),
  grants: namesOf(GrantGroup),
  endpoints: namesOf(EndpointGroup),
  introspection: namesOf(IntrospectionGroup),
  providers: namesOf(EntryGroup),
} satisfies Record<string, readonly string[]>;

export type OptionGroup = keyof typeof OPTIONS;

/** Other names of our options, in py-oidc-auth and elsewhere, as {@link plain} writes them. */
const OTHER_NAMES: ReadonlyMap<string, string> = new Map([
  ['proxy', 'publicUrl'],
  ['baseurl', 'publicUrl'],
  ['redirecturi', 'allowedRedirectUris'],
  ['redirecturis', 'allowedRedirectUris'],
  ['postlogoutredirecturi', 'allowedPostLogoutRedirectUris'],
  ['postlogoutredirecturis', 'allowedPostLogoutRedirectUris'],
  ['issuerurl', 'discoveryUrl'],
  ['issuerbaseurl', 'discoveryUrl'],
  ['authority', 'discoveryUrl'],
  ['wellknown', 'discoveryUrl'],
  ['timeout', 'timeoutMs'],
  ['timeoutsec', 'timeoutMs'],
  ['brokermode', 'broker'],
  ['brokerstoreurl', 'broker.store'],
  ['brokerstoreobj', 'broker.store'],
  ['deviceflow', 'routes.device'],
  ['algorithms', 'tokenAlgorithms'],
]);

/** Spellings of one name: `client_id`, `clientID`, `CLIENT-ID`. */
function plain(name: string): string {
  return name.replaceAll(/[._-]/g, '').toLowerCase();
}

/** How many letters are missing, too many, other ones or exchanged with their neighbour (optimal string alignment). */
function edits(one: string, other: string): number {
  const rows = [Array.from({ length: other.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number) => rows[row]?.[column] ?? 0;
  for (let row = 1; row <= one.length; row += 1) {
    const costs = [row];
    rows.push(costs);
    for (let column = 1; column <= other.length; column += 1) {
      const same = one[row - 1] === other[column - 1];
      const swapped = one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      costs.push(
        Math.min(
          at(row - 1, column) + 1,
          at(row, column - 1) + 1,
          at(row - 1, column - 1) + (same ? 0 : 1),
          swapped ? at(row - 2, column - 2) + 1 : Infinity,
        ),
      );
    }
  }
  return at(one.length, other.length);
}

/** What may be meant by a name, and how far from it that is. */
interface Candidate {
  readonly meant: string;
  readonly distance: number;
}

/** The nearest, if it is near: a typing mistake in three letters, three at most. */
function nearest(name: string, candidates: readonly Candidate[]): string | undefined {
  const limit = Math.min(3, Math.max(1, Math.floor(name.length / 3)));
  return candidates
    .filter(({ distance }) => distance <= limit + 0.5)
    .toSorted((one, other) => one.distance - other.distance)[0]?.meant;
}

function inGroup(group: string, name: string): string {
  return group === '' ? name : `${group}.${name}`;
}

/** The option that was probably meant, by its whole path; one of the same group before those of others. */
function meant(name: string, group: OptionGroup): string | undefined {
  const written = inGroup(group, name);
  const candidates = Object.entries(OPTIONS).flatMap(([of, names]) =>
    names.map((one): Candidate => {
      const path = inGroup(of, one);
      const far = Math.min(edits(plain(name), plain(one)), edits(plain(written), plain(path)));
      return { meant: path, distance: of === group ? far : far + 0.5 };
    }),
  );
  const same = nearest(
    name,
    candidates.filter(({ distance }) => distance < 1),
  );
  const other = OTHER_NAMES.get(plain(name)) ?? OTHER_NAMES.get(plain(written));
  return same ?? other ?? nearest(name, candidates);
}

function asked(probably: string | undefined): string {
  return probably === undefined ? '.' : `; did you mean "${probably}"?`;
}

/** The end of a sentence about an unknown name: a full stop, or `; did you mean "x"?` where a known one is near. */
export function didYouMean(name: string, known: Iterable<string>): string {
  const candidates = [...known].map((one) => ({
    meant: one,
    distance: edits(plain(name), plain(one)),
  }));
  return asked(nearest(name, candidates));
}

/**
 * Refuses members that are no options. Their names are shown, never what they hold.
 *
 * @param label what stands before a name, where that is not the group's own.
 * @throws {@link OidcConfigError} that says what was probably meant, and what is known.
 */
export function refuseUnknownOptions(
  given: object,
  group: OptionGroup,
  label: string = group,
): void {
  const known: readonly string[] = OPTIONS[group];
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const probably = meant(unknown, group);
  const inIt = group !== label && probably !== undefined && probably.startsWith(`${group}.`);
  const shown = inIt ? label + probably.slice(group.length) : probably;
  throw new OidcConfigError(
    `Unknown option "${inGroup(label, unknown)}"${asked(shown)} ` +
      `Known here: ${known.map((name) => inGroup(label, name)).join(', ')}.`,
  );
}
