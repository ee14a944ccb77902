import { type ExecutionContext, createParamDecorator } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { claimAt } from '../tokens/claim-path.js';
import { AuthRuleKey } from './auth-rule.key.js';
import { type AuthenticatedRequest, verifiedClaims } from './authenticated-request.js';

const reflector = new Reflector();

function withoutGuard(context: ExecutionContext): Error {
  const handler = `${context.getClass().name}.${context.getHandler().name}`;
  return new Error(
    `@IdToken() on ${handler} has nothing to read: no AuthGuard has run. ` +
      'Add @Auth() to the handler or its controller, or use AuthGuard for the whole application.',
  );
}

function claimsFor(path: string | undefined, context: ExecutionContext): unknown {
  const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
  const claims = verifiedClaims(request);
  if (claims === undefined) {
    const targets = [context.getHandler(), context.getClass()];
    if (reflector.getAllAndOverride(AuthRuleKey, targets) === 'public') return undefined;
    throw withoutGuard(context);
  }
  if (claims === null) return undefined;
  return path === undefined ? claims : claimAt(claims, path);
}

/**
 * Hands the caller's verified claims ({@link IdTokenClaims}, frozen) to a handler; with a path, one claim:
 * `@IdToken('email')`, `@IdToken('realm_access.roles')`. `undefined` for anonymous callers, on
 * `@Auth({ optional: true })` and `@Public()` handlers.
 */
export const IdToken: (path?: string) => ParameterDecorator = createParamDecorator<
  string | undefined
>(claimsFor);
