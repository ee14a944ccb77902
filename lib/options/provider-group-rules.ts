import { HTTPS, Must, Optional, isFlag, isHttpUrl, isText, within } from './value-rules.js';

/** The rules of the option `introspection`, where it is an object. */
export class IntrospectionOptionRules {
  @Optional()
  @Must('must be a whole number of seconds from 0 to 60', within(0, 60))
  readonly cacheSec: unknown;

  @Optional()
  @Must(
    'must be what opaque tokens of this provider begin with, a non-empty string, or a RegExp without the flags g and y',
    (value) => isText(value) || (value instanceof RegExp && !value.global && !value.sticky),
  )
  readonly match: unknown;

  @Optional()
  @Must('must be true or false', isFlag)
  readonly always: unknown;
}

/** Values are read with `allowInsecureHttp` of the whole beside them. */
export class EndpointOptionRules {
  readonly allowInsecureHttp: unknown;

  @Optional()
  @Must(`must be ${HTTPS}`, isHttpUrl)
  readonly authorization: unknown;

  @Optional()
  @Must(`must be ${HTTPS}`, isHttpUrl)
  readonly token: unknown;

  @Optional()
  @Must(`must be ${HTTPS}`, isHttpUrl)
  readonly deviceAuthorization: unknown;

  @Optional()
  @Must(`must be ${HTTPS}`, isHttpUrl)
  readonly userinfo: unknown;

  @Optional()
  @Must(`must be ${HTTPS}`, isHttpUrl)
  readonly revocation: unknown;

  @Optional()
  @Must(`must be ${HTTPS}`, isHttpUrl)
  readonly introspection: unknown;

  @Optional()
  @Must(`must be ${HTTPS}`, isHttpUrl)
  readonly endSession: unknown;
}
