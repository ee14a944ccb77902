import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { OAuthError } from '../errors/oauth.error.js';
import { HostFaults } from '../events/host-faults.js';
import { RefusalLog } from '../events/refusal-log.js';
import { Authenticator } from '../tokens/authenticator.js';
import { AUTH_GUARD } from '../tokens/whole-application.js';
import { CallContexts } from './call-contexts.js';
import { setCaller } from './caller.js';
import { meetConditions } from './conditions.js';
import { LoginRedirects } from './login-redirects.js';
import { HandlerRules } from './handler-rules.js';

/**
 * Lets a call through when its bearer token is valid and meets the rule of `@Auth()`; without a rule a valid token is
 * required. Usable for the whole application: `{ provide: APP_GUARD, useExisting: AuthGuard }`. It knows HTTP, and the contexts
 * whose entry the host imports; it refuses everything else.
 */
@Injectable()
export class AuthGuard implements CanActivate {
  readonly [AUTH_GUARD] = true;

  constructor(
    private readonly authenticator: Authenticator,
    private readonly rules: HandlerRules,
    private readonly contexts: CallContexts,
    private readonly refusals: RefusalLog,
    private readonly faults: HostFaults,
    private readonly logins: LoginRedirects,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const handler = `${context.getClass().name}.${context.getHandler().name}`;
    const known = await this.refusals.around(handler, async () =>
      this.contexts.of(context.getType<string>()),
    );
    const { rule, streams } = this.rules.of(context);
    if (rule === 'public') {
      setCaller(context, null);
      return true;
    }
    try {
      const caller = await this.authenticator.identify(known.credentials(context), rule);
      const identity = await meetConditions(rule, caller, context);
      setCaller(context, identity);
      known.admit?.(context, identity);
      if (streams) known.watch?.(context, identity);
      return true;
    } catch (error) {
      setCaller(context, null);
      if (!(error instanceof OAuthError)) {
        const shown = known.refusal(context, error);
        if (shown !== error) this.faults.report(handler, error); // else Nest does
        throw shown;
      }
      this.refusals.report(handler, error, rule.optional ? 'anonymous' : 'refused by the guard');
      if (rule.optional) return true;
      const login = rule.logsIn ? await this.logins.of(context, error, rule) : undefined;
      throw login ?? known.refusal(context, error);
    }
  }
}
