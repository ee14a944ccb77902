import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { OAuthError } from '../errors/oauth.error.js';
import { HostFaults } from '../events/host-faults.js';
import { RefusalLog } from '../events/refusal-log.js';
import { Authenticator } from '../tokens/authenticator.js';
import { AUTH_GUARD } from '../tokens/whole-application.js';
import type { CheckedAuthRule } from '../tokens/auth-rule.js';
import type { Identity } from '../tokens/identity.js';
import { type CallContext, CallContexts } from './call-contexts.js';
import { setCaller } from './caller.js';
import { meetConditions } from './conditions.js';
import { LoginRedirects } from './login-redirects.js';
import { HandlerRules } from './handler-rules.js';

/** A call of a handler that is not public. */
interface GuardedCall {
  readonly context: ExecutionContext;
  readonly known: CallContext;
  readonly rule: CheckedAuthRule;
  readonly streams: boolean;
}

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

  /** Decides at once about a token that is remembered, so that its request waits for nothing; else when it is known who the caller is. */
  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const known = this.#contextOf(context);
    const { rule, streams } = this.rules.of(context);
    if (rule === 'public') {
      setCaller(context, null);
      return true;
    }
    const call = { context, known, rule, streams };
    try {
      const found = this.authenticator.identify(known.credentials(context), rule);
      const atOnce = 'claims' in found && rule.conditions.length === 0;
      return atOnce ? admit(call, found) : this.#decide(call, found);
    } catch (error) {
      return this.#refuse(call, error);
    }
  }

  async #decide(call: GuardedCall, found: Identity | Promise<Identity>): Promise<boolean> {
    try {
      return admit(call, await meetConditions(call.rule, await found, call.context));
    } catch (error) {
      return this.#refuse(call, error);
    }
  }

  #contextOf(context: ExecutionContext): CallContext {
    try {
      return this.contexts.of(context.getType<string>());
    } catch (error) {
      if (error instanceof OAuthError) {
        this.refusals.report(nameOf(context), error, 'refused by the guard');
      }
      throw error;
    }
  }

  /** @returns `true` where anonymous callers may call. @throws what the caller is answered. */
  #refuse(call: GuardedCall, error: unknown): true | Promise<never> {
    const { context, known, rule } = call;
    const handler = nameOf(context);
    setCaller(context, null);
    if (!(error instanceof OAuthError)) {
      const shown = known.refusal(context, error);
      if (shown !== error) this.faults.report(handler, error); // else Nest does
      throw shown;
    }
    this.refusals.report(handler, error, rule.optional ? 'anonymous' : 'refused by the guard');
    if (rule.optional) return true;
    if (rule.logsIn) return this.#sendToLogin(call, error);
    throw known.refusal(context, error);
  }

  async #sendToLogin({ context, known, rule }: GuardedCall, error: OAuthError): Promise<never> {
    throw (await this.logins.of(context, error, rule)) ?? known.refusal(context, error);
  }
}

function nameOf(context: ExecutionContext): string {
  return `${context.getClass().name}.${context.getHandler().name}`;
}

function admit({ context, known, streams }: GuardedCall, identity: Identity): true {
  setCaller(context, identity);
  known.admit?.(context, identity);
  if (streams) known.watch?.(context, identity);
  return true;
}
