import type { ExecutionContext } from '@nestjs/common';
import { OAuthError } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import type { CheckedAuthRule } from '../tokens/auth-rule.js';
import type { Identity } from '../tokens/identity.js';

/**
 * Asks the conditions of a rule, and again whenever the caller is looked at again.
 *
 * @returns the caller.
 * @throws {@link OAuthError} 403 `insufficient_scope` unless each says exactly `true`.
 */
export async function meetConditions(
  rule: CheckedAuthRule,
  identity: Identity,
  context: ExecutionContext,
): Promise<Identity> {
  for (const condition of rule.conditions) {
    const answer: unknown = await condition(identity.claims, context); // a host without types may say anything
    if (answer === true) continue;
    const cause = new Reason('the condition did not say true', { option: '@Auth({ when })' });
    const text = 'The condition of this handler does not allow this caller';
    throw new OAuthError('insufficient_scope', text, { cause });
  }
  const { look } = identity;
  if (look === undefined || rule.conditions.length === 0) return identity;
  const again = async (): Promise<Identity> => meetConditions(rule, await look.again(), context);
  return { ...identity, look: { ...look, again } };
}
