import type { Written } from './option-group.js';
import { Must, Optional, isFlag, isText, within } from './value-rules.js';

/** How the provider is asked what an access token is worth (RFC 7662). */
export class IntrospectionGroup {
  /**
   * How long an active answer counts, in seconds; 60 at most, and never beyond the token's own end. A token that the provider revokes
   * opens handlers for that long. 0: every request asks.
   * @defaultValue `30`
   */
  @Optional()
  @Must('must be a whole number of seconds from 0 to 60', within(0, 60))
  cacheSec?: number = 30;

  /**
   * What its opaque tokens begin with, or look like (without the flags `g` and `y`): `'ory_at_'`. All others are refused, and sent
   * nowhere. Required where several providers introspect. Default: every token that is no JWT.
   */
  @Optional()
  @Must(
    'must be what opaque tokens of this provider begin with, a non-empty string, or a RegExp without the flags g and y',
    (value) => isText(value) || (value instanceof RegExp && !value.global && !value.sticky),
  )
  match?: string | RegExp | undefined;

  /**
   * Asks about its JWTs too, once their signature holds: then a token that the provider revoked is refused within {@link cacheSec}, and
   * claims that only the answer has count (Keycloak's lightweight access tokens).
   * @defaultValue `false`
   */
  @Optional()
  @Must('must be true or false', isFlag)
  always?: boolean = false;
}

/** How the provider is asked what an access token is worth (RFC 7662). */
export interface IntrospectionOptions extends Written<IntrospectionGroup> {}
