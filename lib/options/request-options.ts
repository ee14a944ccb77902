import { isIn } from 'class-validator';
import { ClientGroup } from './client-options.js';
import {
  NOT_FOR_CALLERS,
  OWN_PARAMETERS,
  isCallersParameter,
  isMaxAge,
  isResource,
} from './provider-rules.js';
import { Must, MustList, Optional, isRecord } from './value-rules.js';

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
   * How the browser brings the answer to a login that ends at our own callback: in the address, or `form_post`, as a form that the provider's page sends (OAuth
   * 2.0 Form Post Response Mode), so that no code stands in a history or a log of addresses. Such a callback takes POST alone, and its login cookie is `Secure;
   * SameSite=None`: `publicUrl` must be https or loopback, where Safari drops such cookies. Logins that end elsewhere are not touched.
   * @defaultValue `'query'`
   */
  @Optional()
  @Must('must be "query" or "form_post"', (value) => isIn(value, ['query', 'form_post']))
  responseMode?: 'query' | 'form_post' = 'query';

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
   * this module sets itself are refused. The `auth_time` of a login is held against a `max_age` (OpenID Connect Core §3.1.3.7); nothing
   * is held against `acr_values`.
   * @defaultValue `{}`
   */
  @Optional()
  @Must(
    'must be an object of strings without the parameters that logins set themselves ' +
      `(${[...OWN_PARAMETERS].join(', ')}), and with a whole number of seconds for max_age`,
    (value) =>
      isRecord(value) &&
      Object.values(value).every((entry) => typeof entry === 'string') &&
      isMaxAge(value['max_age'] ?? '0') &&
      Object.keys(value).every((key) => !OWN_PARAMETERS.has(key)),
  )
  authorizationParameters?: Readonly<Record<string, string>> = {};

  /**
   * Which parameters the login route passes on from its caller to the provider: `login_hint`, `domain_hint`, `ui_locales`, `acr_values`, `max_age`,
   * `kc_idp_hint`, `organization`, …; they take the place of those in {@link authorizationParameters}. Values of more than 512 characters or with control
   * characters, and a `max_age` that is no whole number of seconds, are 400 `invalid_request`; parameters that are not listed are ignored. A login whose
   * `auth_time` does not meet the `max_age`, or whose `acr` is none of the `acr_values`, ends with 400 `unmet_authentication_requirements`. What logins set
   * themselves cannot be listed.
   * @defaultValue `[]`
   */
  @Optional()
  @MustList(
    'must be a list of names of parameters (letters, digits, "_" and "."), without those that no caller may decide ' +
      `(${[...NOT_FOR_CALLERS].join(', ')})`,
    isCallersParameter,
  )
  loginParameters?: readonly string[] = [];
}
