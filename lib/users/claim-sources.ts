import type { SaidClaims } from '../sessions/session-content.js';
import type { ProviderClaims } from '../options/broker-options.js';

/** Claims that somebody may have made up, and what says that they were verified (OpenID Connect Core §5.1). */
const VERIFIED_BY: ReadonlyMap<string, string> = new Map([
  ['email', 'email_verified'],
  ['phone_number', 'phone_number_verified'],
]);

/** A claim that is text, and not empty. */
export function textOf(claims: ProviderClaims | undefined, name: string): string | undefined {
  const value = claims && Object.hasOwn(claims, name) ? claims[name] : undefined;
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Which claim says whether this one was verified; `undefined` when none does. */
export function verifierOf(claim: string): string | undefined {
  return VERIFIED_BY.get(claim);
}

/** Where a claim and its verification come from: together, from one source, that says both where there is one. */
export function sourceOf(
  { idToken, accessToken, userinfo }: SaidClaims,
  claim: string,
): ProviderClaims | undefined {
  const having = [idToken, accessToken, userinfo].filter(
    (source) => textOf(source, claim) !== undefined,
  );
  const flag = verifierOf(claim);
  return (
    having.find((source) => flag !== undefined && typeof source?.[flag] === 'boolean') ?? having[0]
  );
}
