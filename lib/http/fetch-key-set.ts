import { badUpstreamAnswer } from '../errors/oauth.error.js';
import type { GuardedFetch } from './guarded-fetch.js';
import { type UsableKey, usableKeys } from './usable-keys.js';

const NOT_FOUND = 404;

/** The keys of a JWKS, and which address had it. */
export interface FetchedKeySet {
  readonly keys: readonly UsableKey[];
  readonly address: string;
}

/**
 * Fetches a JWKS from the first of these addresses that has a document: 404 leads to the next one, anything else is
 * the answer.
 *
 * @throws {@link OAuthError} 503 or 502, as {@link GuardedFetch.document}; 502 when the answer is no JWKS.
 */
export async function fetchKeySet(
  http: GuardedFetch,
  addresses: readonly string[],
): Promise<FetchedKeySet> {
  for (const [index, address] of addresses.entries()) {
    const response = await http.document(address);
    if (response.status === NOT_FOUND && index < addresses.length - 1) continue;
    if (response.status !== 200) throw badUpstreamAnswer(`JWKS with HTTP ${response.status}`);
    return { keys: usableKeys(await readJson(response)), address };
  }
  throw badUpstreamAnswer('no address of a JWKS');
}

async function readJson(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    throw badUpstreamAnswer('JWKS that is not JSON');
  }
}
