import type { IssuerMarks, TokenIssuer } from '../tokens/verification-keys.js';
import type { IdentityProvider } from './identity-provider.js';

function isMeantFor({ audience }: TokenIssuer, { audiences }: IssuerMarks): boolean {
  return audience !== false && audience.some((one) => audiences.includes(one));
}

/**
 * Which provider a token is of: its `iss` selects them, its `aud` among them, then the client that it was issued to. Where that
 * leaves several, none: no token is held against the rules of an entry that happens to be first.
 *
 * @throws {@link OAuthError} 503 when the only one that it could be of cannot be asked for its issuer.
 */
export async function chosenEntry(
  providers: readonly IdentityProvider[],
  iss: string,
  marks: IssuerMarks = { audiences: [], party: undefined },
): Promise<TokenIssuer | undefined> {
  const answers = await Promise.allSettled(providers.map((provider) => provider.named(iss)));
  const found = answers.flatMap((answer) =>
    answer.status === 'fulfilled' && answer.value !== undefined ? [answer.value] : [],
  );
  if (found.length === 0) {
    const unknown = answers.find((answer) => answer.status === 'rejected');
    if (unknown !== undefined) throw unknown.reason;
    return undefined;
  }
  if (found.length === 1) return found[0];
  const meant = found.filter((issuer) => isMeantFor(issuer, marks));
  if (meant.length === 1) return meant[0];
  const among = meant.length === 0 ? found : meant;
  const issuedTo = among.filter(({ clientId }) => clientId === marks.party);
  return issuedTo.length === 1 ? issuedTo[0] : undefined;
}
