import { isIn } from 'class-validator';
import { ClientGroup } from './client-options.js';
import { OWN_PARAMETERS, isResource } from './provider-rules.js';
import { Must, Optional, isRecord } from './value-rules.js';

/** What is asked of an identity provider, and how. */
export class RequestGroup extends ClientGroup {
  /**
   * Whether logins are handed to the provider before the browser goes there (RFC 9126), so that nobody reads or changes them on the way:
   * `'when required'` as its metadata demands it, `'always'`, or `'never'`. A login whose push fails answers 502 or 503, and is never sent
   * plainly instead. A quarter of {@link maxUpstreamCalls} at most are pushes; HEAD and prefetching push nothing (503).
   * @defaultValue `'when required'`
   */
  @Optional()
  @Must('must be "when required", "always" or "never"', (value) =>
    isIn(value, ['when required', 'always', 'never']),
  )
  pushedAuthorizationRequests?: 'when required' | 'always' | 'never' = 'when required';

  /**
   * Whether logins are signed with the first of {@link clientKeys}: the whole request is one JWT for the provider's issuer that lives a
   * minute (RFC 9101), which nobody changes on the way, pushed or not. `false`: where the provider's metadata demands it.
   * @defaultValue `false`
   */
  @Optional()
  @Must(
    'must be true, which needs "clientKeys", or false',
    (value, { clientKeys }) =>
      value === false || (value === true && Array.isArray(clientKeys) && clientKeys.length > 0),
  )
  signedRequests?: boolean = false;

  /**
   * What its access tokens are for (RFC 8707): the address of an API, or a list. Sent with every request for tokens: logins, pushed ones too, codes,
   * refreshes, device logins. Absolute URIs without a fragment. Providers that do not know it ignore it or refuse the request; Entra ID and Auth0 have their own
   * ways (a scope, `authorizationParameters: { audience: … }`).
   * @defaultValue `[]`
   */
  @Optional()
  @Must(
    'must be an absolute URI without a fragment, such as "https://api.example.org/", or a list of such URIs (RFC 8707)',
    isResource,
  )
  resource?: string | readonly string[] = [];

  /**
   * Fixed extra parameters of the authorization URL (Google: `{ access_type: 'offline' }`). Parameters that
   * this module sets itself are refused.
   * @defaultValue `{}`
   */
  @Optional()
  @Must(
    'must be an object of strings without the parameters that logins set themselves ' +
      `(${[...OWN_PARAMETERS].join(', ')})`,
    (value) =>
      isRecord(value) &&
      Object.values(value).every((entry) => typeof entry === 'string') &&
      Object.keys(value).every((key) => !OWN_PARAMETERS.has(key)),
  )
  authorizationParameters?: Readonly<Record<string, string>> = {};
}
