import { OAuthError } from './oauth.error.js';
import { Reason, type ReasonDetails } from './reason.js';
import { repeated } from './shown-value.js';

/** Names the scopes that may not be had: to the caller, where that is safe, and to the log, with the option. */
export function invalidScope(
  text: string,
  details: ReasonDetails & { readonly came: readonly string[] },
): OAuthError {
  const cause = new Reason('scopes that may not be asked for', details);
  return new OAuthError('invalid_scope', text + repeated(details.came), { cause });
}
