import { Injectable } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import { describeError, reasonOf } from '../errors/describe-error.js';
import { OAuthError } from '../errors/oauth.error.js';
import { anchorOf, refusalLink, withLink } from '../errors/page-link.js';
import { printable } from '../errors/printable.js';
import type { Reason } from '../errors/reason.js';
import { SafeLogger } from '../errors/safe-logger.js';
import { count } from '../telemetry/telemetry.js';
import { LineLimiter } from './line-limiter.js';

/** What became of a request: refused by one of our routes, refused by the guard, or let through without claims. */
export type Outcome = 'refused' | 'refused by the guard' | 'anonymous';

const LONGEST_LINE = 1500;

/** Steps of a protocol rather than mistakes. */
const EXPECTED: ReadonlySet<string> = new Set([
  'authorization_pending',
  'slow_down',
  'use_dpop_nonce',
]);

/** A token that does not hold may be an attack, and so may its proof. */
const ATTACKS: ReadonlySet<string> = new Set(['invalid_token', 'invalid_dpop_proof']);

function levelOf(error: OAuthError, outcome: Outcome): 'error' | 'warn' | 'debug' {
  if (error.credentialsMissing || EXPECTED.has(error.error)) return 'debug';
  if (outcome === 'refused') return error.getStatus() === 500 ? 'error' : 'warn';
  return ATTACKS.has(error.error) ? 'warn' : 'debug';
}

/** Why, in one sentence: our reason where there is one, else the text for the caller and what is known of the cause. */
function whyOf(error: OAuthError): string {
  const { cause, description } = error;
  const reason = reasonOf(error);
  if (cause instanceof OAuthError) {
    const why = whyOf(cause);
    return cause.description === description ? why : `${printable(description)}: ${why}`;
  }
  if (reason !== undefined && error.getStatus() < 500) return String(reason);
  if (cause === undefined) return printable(description);
  return `${printable(description)}: ${describeError(cause)}`;
}

/** Where to read on: about the reason, else the error of a library, else our text, else the code. */
function linkOf(error: OAuthError): string {
  const { cause, description } = error;
  const library = cause instanceof Error ? [cause.name] : [];
  const names = [...library, description].map((name) => `reason-${anchorOf(name)}`);
  return refusalLink([reasonOf(error)?.anchor ?? '', ...names, `error-${error.error}`]);
}

/** What tells one kind of refusal from another, without anything that a caller chooses; what was expected may be of a caller's login. */
function kindOf(error: OAuthError, reason: Reason | undefined): string {
  const { name, missing } = reason ?? { name: whyOf(error), missing: undefined };
  return JSON.stringify([error.getStatus(), error.error, name, missing]);
}

/**
 * Tells the host's developer of each refused request: one line with route or handler, status, code, and the reason with its
 * mend, and where to read on. One line a minute for each reason at each place; the next one says how many were left out.
 */
@Injectable()
export class RefusalLog {
  readonly #logger = new SafeLogger();
  readonly #limiter: LineLimiter;

  constructor(clock: Clock) {
    this.#limiter = new LineLimiter(clock);
  }

  /** @param where the route (`POST /auth/v2/token`) or the handler (`MeController.me`). */
  report(where: string, error: OAuthError, outcome: Outcome): void {
    if (outcome === 'anonymous' && error.credentialsMissing) return; // what such a handler is for
    const reason = reasonOf(error);
    count('oidc.refusals', {
      'oidc.refused_by': outcome === 'refused' ? 'route' : 'guard',
      'oidc.error': error.error,
      'oidc.reason': reason?.name,
      'http.response.status_code': error.getStatus(),
    });
    const became = outcome === 'anonymous' ? 'let through as anonymous' : 'refused';
    const code = `${error.getStatus()} ${error.error}`;
    const line = (): string =>
      `${printable(where)} ${became} (${code}): ${whyOf(error)}`.slice(0, LONGEST_LINE);
    const admitted = this.#limiter.admit(`${where} ${became} ${kindOf(error, reason)}`, line);
    if (admitted === undefined) return;
    this.#logger[levelOf(error, outcome)](withLink(admitted, linkOf(error)));
  }

  /** Tells of a refusal in code that a host calls without our guard; it goes on to the caller. */
  async around<T>(
    where: string,
    work: () => Promise<T>,
    outcome: Outcome = 'refused by the guard',
  ): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof OAuthError) this.report(where, error, outcome);
      throw error;
    }
  }
}
