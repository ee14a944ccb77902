import type { IssuerMarks, TokenIssuer } from '../tokens/verification-keys.js';
import type { ResolvedProvider } from '../options/resolve-provider.js';

/** What is asked of an entry of the option `providers`. */
interface Entry {
  readonly options: Pick<ResolvedProvider, 'audience' | 'clientId'>;
  named(iss: string): Promise<TokenIssuer | undefined>;
}

/** An entry that the token could be of: what it is as an issuer, or why that cannot be told. */
interface Candidate {
  readonly options: Entry['options'];
  readonly issuer?: TokenIssuer;
  readonly failure?: unknown;
}

function isMeantFor({ audience }: Entry['options'], { audiences }: IssuerMarks): boolean {
  return audience !== false && audience.some((one) => audiences.includes(one));
}

async function candidateOf(provider: Entry, iss: string): Promise<Candidate | undefined> {
  const { options } = provider;
  try {
    const issuer = await provider.named(iss);
    return issuer && { options, issuer };
  } catch (failure) {
    return { options, failure };
  }
}

function onlyFitting(candidates: readonly Candidate[], marks: IssuerMarks): Candidate | undefined {
  if (candidates.length <= 1) return candidates[0];
  const meant = candidates.filter(({ options }) => isMeantFor(options, marks));
  if (meant.length === 1) return meant[0];
  const among = meant.length === 0 ? candidates : meant;
  const issuedTo = among.filter(({ options }) => options.clientId === marks.party);
  return issuedTo.length === 1 ? issuedTo[0] : undefined;
}

/**
 * Which provider a token is of: its `iss` selects them, its `aud` among them, then the client that it was issued to. Where that
 * leaves several, none: no token is held against the rules of an entry that happens to be first, or happens to be up.
 *
 * @throws {@link OAuthError} 503 when the one that it is of, or could be of, cannot be asked for its issuer.
 */
export async function chosenEntry(
  providers: readonly Entry[],
  iss: string,
  marks: () => IssuerMarks = () => ({ audiences: [], party: undefined }),
): Promise<TokenIssuer | undefined> {
  const [only, another] = providers;
  if (another === undefined) return only?.named(iss);
  const asked = await Promise.all(providers.map((provider) => candidateOf(provider, iss)));
  const candidates = asked.filter((one) => one !== undefined);
  const unknown = candidates.find(({ issuer }) => issuer === undefined);
  const chosen = onlyFitting(candidates, marks()) ?? unknown;
  if (chosen !== undefined && chosen.issuer === undefined) throw chosen.failure;
  return chosen?.issuer;
}
