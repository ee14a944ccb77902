import type { AuthRule } from '../tokens/auth-rule.js';

/** A rule for code that asks for a token itself; whether it is optional, and what to compare it with, is then up to that code. */
export type RequiredAuthRule = Omit<AuthRule, 'optional' | 'when' | 'onUnauthenticated'>;
