import type { Written } from './option-group.js';
import { HTTPS, Must, Optional, isHttpUrl } from './value-rules.js';

/** Overrides of what the discovery document says: absolute URLs. */
export class EndpointGroup {
  /** Where browsers are sent to log in. */
  @Optional()
  @Must(`must be ${HTTPS}`, isHttpUrl)
  authorization?: string | undefined;

  /** Where codes and refresh tokens are exchanged. */
  @Optional()
  @Must(`must be ${HTTPS}`, isHttpUrl)
  token?: string | undefined;

  /** Where the device flow starts (RFC 8628 §3.1). */
  @Optional()
  @Must(`must be ${HTTPS}`, isHttpUrl)
  deviceAuthorization?: string | undefined;

  /** OpenID Connect Core §5.3. */
  @Optional()
  @Must(`must be ${HTTPS}`, isHttpUrl)
  userinfo?: string | undefined;

  /** RFC 7009. */
  @Optional()
  @Must(`must be ${HTTPS}`, isHttpUrl)
  revocation?: string | undefined;

  /** RFC 7662; for the option `introspection`. */
  @Optional()
  @Must(`must be ${HTTPS}`, isHttpUrl)
  introspection?: string | undefined;

  /** RFC 9126. */
  @Optional()
  @Must(`must be ${HTTPS}`, isHttpUrl)
  pushedAuthorization?: string | undefined;

  /** OpenID Connect RP-Initiated Logout §2. */
  @Optional()
  @Must(`must be ${HTTPS}`, isHttpUrl)
  endSession?: string | undefined;
}

/** Overrides of what the discovery document says: absolute URLs. */
export interface EndpointOptions extends Written<EndpointGroup> {}
