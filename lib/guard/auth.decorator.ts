import { UseFilters, UseGuards, applyDecorators } from '@nestjs/common';
import { describeRule } from '../tokens/api-description.js';
import { type AuthRule, checkAuthRule } from '../tokens/auth-rule.js';
import { AuthGuard } from './auth.guard.js';
import { LoginDemandFilter } from './login-demand.js';
import { declare } from './declared-rules.js';

type Decorator = ClassDecorator & MethodDecorator;

function declaration(what: Parameters<typeof declare>[0]): Decorator {
  return (target: object, name?: string | symbol, descriptor?: PropertyDescriptor): void => {
    const handler: unknown = descriptor?.value;
    if (typeof handler === 'function') {
      declare(what, handler, `the handler ${String(name)}`);
      describeRule(what, handler);
      return;
    }
    declare(what, target, `the class ${'name' in target ? String(target.name) : ''}`);
    describeRule(what, target);
  };
}

/**
 * Demands a bearer token on a handler, or on every handler of a controller. Rules of a class, of its handler and of several
 * decorators on one target add up: scopes, roles, claims and conditions must all hold, and a handler is optional only where every
 * rule says so. The module's option `claims` counts wherever no rule names claims of its own.
 *
 * @example `@Auth({ scopes: ['orders:write'], anyRole: ['staff', 'admins'] })`
 * @example `@Auth({ when: ({ sub }, context) => context.switchToHttp().getRequest().params.user === sub })`
 * @throws {@link OidcConfigError} at start-up, for an empty or unknown demand; in requests the guard answers 401
 * `invalid_token` or 403 `insufficient_scope` (RFC 6750 §3.1), 401 `insufficient_user_authentication` (RFC 9470 §3), 503 when no key can be had.
 */
export const Auth = (rule: AuthRule = {}): Decorator =>
  applyDecorators(
    declaration(checkAuthRule(rule)),
    UseGuards(AuthGuard),
    ...(rule.onUnauthenticated === undefined ? [] : [UseFilters(LoginDemandFilter)]),
  );

/** Exempts a handler or a controller from an {@link AuthGuard} on its controller or on the whole application. */
export const Public = (): Decorator => declaration('public');

/**
 * Makes a decorator of a team's own from a rule; what it is given is demanded besides.
 *
 * @example
 * ```ts
 * export const Staff = createAuthDecorator({ anyRole: ['staff', 'admins'] });
 *
 * @Get('orders') @Staff({ scopes: 'orders:read' })
 * ```
 * @throws {@link OidcConfigError} as {@link Auth}.
 */
export function createAuthDecorator(rule: AuthRule): (more?: AuthRule) => Decorator {
  checkAuthRule(rule);
  return (more) => (more === undefined ? Auth(rule) : applyDecorators(Auth(rule), Auth(more)));
}
