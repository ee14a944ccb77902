import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { HttpAdapterHost, Reflector } from '@nestjs/core';
import { OAuthError } from '../errors/oauth.error.js';
import { checkAuthRule } from '../tokens/auth-rule.js';
import { Authenticator } from '../tokens/authenticator.js';
import { bearerToken } from '../tokens/bearer-token.js';
import { Challenges } from '../tokens/challenge.js';
import { AuthRuleKey } from './auth-rule.key.js';
import { type AuthenticatedRequest, setVerifiedClaims } from './authenticated-request.js';

const REQUIRED = checkAuthRule({});

/**
 * Lets a request through when its bearer token is valid and meets the rule of `@Auth()`; without a rule a valid token is
 * required. Usable for the whole application: `{ provide: APP_GUARD, useExisting: AuthGuard }`. It knows HTTP only and
 * refuses everything else.
 */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    private readonly authenticator: Authenticator,
    private readonly reflector: Reflector,
    private readonly adapterHost: HttpAdapterHost,
    private readonly challenges: Challenges,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (context.getType() !== 'http') {
      throw new OAuthError('invalid_token', 'Authentication is possible over HTTP only');
    }
    const targets = [context.getHandler(), context.getClass()]; // the handler wins
    const rule = this.reflector.getAllAndOverride(AuthRuleKey, targets) ?? REQUIRED;
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    if (rule === 'public') return true;
    try {
      const { rawHeaders } = request.raw ?? request;
      const token = bearerToken(request.headers, rawHeaders);
      setVerifiedClaims(request, await this.authenticator.authenticate(token, rule));
      return true;
    } catch (error) {
      setVerifiedClaims(request, null);
      if (rule.optional && error instanceof OAuthError) return true; // anything else is our fault and surfaces
      this.#announce(error, context);
      throw error;
    }
  }

  #announce(error: unknown, context: ExecutionContext): void {
    const response: unknown = context.switchToHttp().getResponse();
    for (const [name, value] of this.challenges.headersOf(error)) {
      this.adapterHost.httpAdapter.setHeader(response, name, value);
    }
  }
}
