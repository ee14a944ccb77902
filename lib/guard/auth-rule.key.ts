import { Reflector } from '@nestjs/core';
import type { CheckedAuthRule } from '../tokens/auth-rule.js';

/** Where `@Auth()` and `@Public()` leave what they say. */
export const AuthRuleKey = Reflector.createDecorator<CheckedAuthRule | 'public'>();
