import { type ExecutionContext, createParamDecorator } from '@nestjs/common';
import { claimAt } from '../tokens/claim-path.js';
import { callerOf } from './caller.js';
import { effectiveRule } from './declared-rules.js';

function withoutGuard(context: ExecutionContext): Error {
  const handler = `${context.getClass().name}.${context.getHandler().name}`;
  return new Error(
    `@IdToken() on ${handler} has nothing to read: no AuthGuard has run. ` +
      'Add @Auth() to the handler or its controller, or use AuthGuard for the whole application.',
  );
}

function claimsFor(path: string | undefined, context: ExecutionContext): unknown {
  const caller = callerOf(context);
  if (caller === undefined) {
    // A rule, and no guard that looked: @Public(), or a test that put another guard in its place.
    if (effectiveRule(context.getHandler(), context.getClass()) !== undefined) return undefined;
    throw withoutGuard(context);
  }
  if (caller === null) return undefined;
  if (path === undefined) return caller.claims;
  return path === 'roles' ? [...caller.roles] : claimAt(caller.claims, path);
}

/**
 * Hands the caller's verified claims ({@link IdTokenClaims}, frozen) to a handler; with a path, one claim:
 * `@IdToken('email')`, `@IdToken('realm_access.roles')`. `@IdToken('roles')` is the flat role list that `@Auth({ roles })` looks at,
 * in both modes. `undefined` for anonymous callers, on `@Auth({ optional: true })` and `@Public()` handlers.
 */
export const IdToken: (path?: string) => ParameterDecorator = createParamDecorator<
  string | undefined
>(claimsFor);
