import type { Clock } from '../clock/clock.js';
import { describeError } from '../errors/describe-error.js';
import { withoutDetails } from '../errors/shown-value.js';
import { fetchKeySet } from '../http/fetch-key-set.js';
import { GuardedFetch } from '../http/guarded-fetch.js';
import type { ResolvedProvider } from '../options/resolve-provider.js';
import { ENDPOINT_MEMBERS, type EndpointName } from '../providers/metadata-endpoints.js';
import { issuerMistake } from '../providers/provider-issuers.js';
import type { ProviderMetadata } from '../providers/provider-metadata.js';
import {
  type FetchedDiscovery,
  ProviderProbes,
  fetchDiscovery,
} from '../providers/provider-probes.js';
import { textList } from '../tokens/text-list.js';
import { examineClient, examineRedirectUri } from './examine-login.js';
import { examineRequests } from './examine-requests.js';
import { type HandlersLogin, examineStepUp } from './examine-step-up.js';
import { examineRefresh } from './examine-refresh.js';
import { examineToken } from './examine-token.js';
import { Notes } from './notes.js';

/** A clock that is off by more is worth a word. */
const CLOCKS_AGREE_SEC = 5;
const NEEDED: readonly EndpointName[] = ['authorization', 'token', 'jwks'];

/** Which provider is looked at, and how it is used. */
export interface ProviderCase {
  readonly options: ResolvedProvider;
  readonly clock: Clock;
  /** Where its logins end: each is asked for. */
  readonly redirectUris: readonly string[];
  /** Whether the guard takes its access tokens (passthrough mode). */
  readonly takesTokens: boolean;
  /** An access token of the provider, to be looked at where it gives none to the application itself. */
  readonly accessToken?: string | undefined;
  /** What the application's handlers demand of logins. */
  readonly logins?: readonly HandlersLogin[];
  /** `false`: its name and secret are not known, and only what it publishes is looked at. */
  readonly asClient?: boolean;
}

/** Looks at one provider from outside. Asks each endpoint a few times at most, one after the other. Never throws. */
export async function examineProvider(given: ProviderCase): Promise<Notes> {
  const { options, clock } = given;
  const notes = new Notes(`provider ${options.name}`);
  const http = new GuardedFetch(options, clock);
  try {
    await examine(given, http, notes);
  } catch (error) {
    notes.find('provider-unreachable', describeError(error));
  }
  return notes;
}

async function examine(given: ProviderCase, http: GuardedFetch, notes: Notes): Promise<void> {
  const { options } = given;
  const document = await examineDiscovery(given, http, notes);
  if (document === undefined) return;
  const probes = await ProviderProbes.open(options, http);
  const { metadata } = probes;
  const complete = examineEndpoints(document, metadata, notes);
  await examineKeys(metadata, http, notes);
  examineRequests(document, options, notes);
  examineRefresh(document, options, given.takesTokens, notes);
  examineStepUp(document, given.logins ?? [], options.name, notes);
  if (given.takesTokens && new URL(options.discoveryUrl).host === 'accounts.google.com') {
    notes.find('opaque-tokens', 'the access tokens of Google are no JWTs');
  }
  if (complete && given.asClient !== false) await examineAsClient(given, probes, http, notes);
}

async function examineDiscovery(
  { options, clock }: ProviderCase,
  http: GuardedFetch,
  notes: Notes,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const address = withoutDetails(options.discoveryUrl);
  const before = clock.now();
  let found: FetchedDiscovery;
  try {
    found = await fetchDiscovery(options, http);
  } catch (error) {
    notes.find('provider-unreachable', `${address}: ${describeError(error)}`);
    return undefined;
  }
  examineClock(found, { before, after: clock.now() }, options, notes);
  const { status, document } = found;
  const issuer = document?.['issuer'];
  if (status !== 200 || document === undefined || typeof issuer !== 'string') {
    notes.find('no-discovery', `${address} answers ${status}, and no discovery document`);
    return undefined;
  }
  const mistake = issuerMistake(issuer, options);
  if (mistake !== undefined) {
    const { expected, mend } = mistake;
    notes.find('wrong-issuer', `the document is of "${issuer}", expected "${expected}"`, { mend });
    return undefined;
  }
  notes.note(`the discovery document is of ${issuer}`);
  return document;
}

/** `Date` is in whole seconds, and was written between the two times. */
function examineClock(
  { date }: FetchedDiscovery,
  { before, after }: { before: Date; after: Date },
  { clockToleranceSec }: ResolvedProvider,
  notes: Notes,
): void {
  if (date === undefined) return;
  const aheadMs = date.getTime() - after.getTime();
  const behindMs = before.getTime() - (date.getTime() + 1000);
  const offSec = Math.round(Math.max(aheadMs, behindMs) / 1000);
  if (Math.max(aheadMs, behindMs) <= CLOCKS_AGREE_SEC * 1000) return;
  const way = aheadMs > behindMs ? 'ahead of' : 'behind';
  notes.find('clock-off', `its clock is ${offSec} s ${way} ours`, {
    severity: offSec > clockToleranceSec ? 'error' : 'warning',
  });
}

function examineEndpoints(
  document: Readonly<Record<string, unknown>>,
  { endpoints, unusable }: ProviderMetadata,
  notes: Notes,
): boolean {
  for (const { member, problem, option } of unusable) {
    const mend = `have it mended at the provider, or set "${option}"`;
    notes.find('endpoint-missing', `"${member}" ${problem}`, { mend });
  }
  const missing = NEEDED.filter((name) => endpoints[name] === undefined);
  for (const name of missing) {
    const member = ENDPOINT_MEMBERS[name];
    if (unusable.some((one) => one.member === member)) continue;
    const option = name === 'jwks' ? 'jwksUri' : `endpoints.${name}`;
    const mend = `have it mended at the provider, or set "${option}"`;
    notes.find('endpoint-missing', `the metadata has no "${member}"`, { mend });
  }
  const kinds = textList(document['response_types_supported']);
  if (kinds.length > 0 && !kinds.includes('code')) {
    notes.find('code-flow-off', `"response_types_supported" is ${kinds.join(', ')}`);
  }
  notes.note(`it offers: ${Object.keys(endpoints).join(', ')}`);
  return missing.length === 0;
}

async function examineKeys(
  { endpoints }: ProviderMetadata,
  http: GuardedFetch,
  notes: Notes,
): Promise<void> {
  if (endpoints.jwks === undefined) return;
  try {
    const { keys } = await fetchKeySet(http, [endpoints.jwks]);
    if (keys.length === 0) notes.find('no-keys', 'its key set holds no key for signatures');
    else notes.note(`its key set holds ${keys.length} usable keys`);
  } catch (error) {
    notes.find('no-keys', `${withoutDetails(endpoints.jwks)}: ${describeError(error)}`);
  }
}

async function examineAsClient(
  { options, redirectUris, takesTokens, accessToken }: ProviderCase,
  probes: ProviderProbes,
  http: GuardedFetch,
  notes: Notes,
): Promise<void> {
  const known = await examineClient(probes, options, http, notes);
  for (const redirectUri of redirectUris) {
    await examineRedirectUri(probes, redirectUri, options, notes);
  }
  if (!takesTokens) return;
  if (accessToken !== undefined) {
    examineToken(accessToken, options, probes.metadata, notes);
    return;
  }
  if (!known || options.clientSecret === undefined) return;
  const probe = await probes.clientCredentials();
  if ('accessToken' in probe) {
    examineToken(probe.accessToken, options, probes.metadata, notes);
    notes.note('an access token by client credentials was looked at');
  } else {
    const why = probe.error ?? describeError(probe.cause);
    notes.note(
      `no access token by client credentials (${why}), so audience, sub and roles were not looked at; to have them looked at hand over one of a user: ` +
        '"doctor … --token-env NAME", or diagnose({ accessToken })',
    );
  }
}
