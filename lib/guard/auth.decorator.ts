import { UseGuards, applyDecorators } from '@nestjs/common';
import { type AuthRule, checkAuthRule } from '../tokens/auth-rule.js';
import { AuthGuard } from './auth.guard.js';
import { AuthRuleKey } from './auth-rule.key.js';

/**
 * Demands a bearer token on a handler, or on every handler of a controller. A rule on the handler replaces the
 * controller's; nothing is merged, except that the module's option `claims` counts wherever a rule names none.
 *
 * @example `@Auth({ scopes: ['orders:write'], roles: ['staff'] })`
 * @throws {@link OidcConfigError} at start-up, for an empty or unknown demand; in requests the guard answers 401
 * `invalid_token` or 403 `insufficient_scope` (RFC 6750 §3.1), 503 when no key can be had.
 */
export const Auth = (rule: AuthRule = {}): ClassDecorator & MethodDecorator =>
  applyDecorators(AuthRuleKey(checkAuthRule(rule)), UseGuards(AuthGuard));

/** Exempts a handler or a controller from an {@link AuthGuard} on its controller or on the whole application. */
export const Public = (): ClassDecorator & MethodDecorator =>
  applyDecorators(AuthRuleKey('public'));
