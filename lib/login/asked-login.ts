import { OAuthError } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import { isMaxAge } from '../options/provider-rules.js';
import type { ResolvedProvider } from '../options/resolve-provider.js';
import type { WantedLogin } from '../tokens/step-up.js';
import type { AskedAuthentication } from '../providers/check-authentication.js';

const LONGEST = 512;

/** What a login is asked for beside what each login needs. */
export interface AskedLogin extends AskedAuthentication {
  /** For the provider, in the place of the host's fixed ones. */
  readonly parameters: Readonly<Record<string, string>>;
}

/**
 * Of the parameters of a caller those that the option `loginParameters` lists, what a handler demands in their place, and what the login has to
 * meet then.
 *
 * @throws {@link OAuthError} 400 `invalid_request`
 */
export function askedLogin(
  given: Readonly<Record<string, string | undefined>>,
  { loginParameters, authorizationParameters }: ResolvedProvider,
  { nowSec, demanded }: { readonly nowSec: number; readonly demanded?: WantedLogin | undefined },
): AskedLogin {
  const parameters: Record<string, string> = {};
  for (const name of loginParameters) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (value !== undefined && value !== '') parameters[name] = checked(name, value);
  }
  Object.assign(parameters, parametersOf(demanded));
  const maxAge = { ...authorizationParameters, ...parameters }['max_age'];
  const { acr_values: acrs } = parameters;
  return {
    parameters,
    ...(maxAge === undefined ? {} : { authTimeFrom: nowSec - Number(maxAge) }),
    ...(acrs === undefined ? {} : { acrValues: acrs.split(' ').filter(Boolean) }),
  };
}

/** OpenID Connect Core §3.1.2.1. */
function parametersOf({ acrValues, maxAgeSec }: Partial<WantedLogin> = {}): Record<string, string> {
  return {
    ...(acrValues === undefined || acrValues.length === 0
      ? {}
      : { acr_values: acrValues.join(' ') }),
    ...(maxAgeSec === undefined ? {} : { max_age: String(maxAgeSec) }),
  };
}

function checked(name: string, value: string): string {
  const isWhole = value.length <= LONGEST && !/\p{Cc}/u.test(value);
  if (isWhole && (name !== 'max_age' || isMaxAge(value))) return value;
  const cause = new Reason(`${name} is malformed or too long`, {
    anchor: 'reason-is-malformed-or-too-long',
  });
  throw new OAuthError('invalid_request', cause.name, { cause });
}
