import { type ExecutionContext, Injectable } from '@nestjs/common';
import { type CheckedAuthRule, checkAuthRule } from '../tokens/auth-rule.js';
import { effectiveRule } from './declared-rules.js';

/** What the guard has to know of a handler. */
export interface HandlerRule {
  /** Without any declaration a valid token is required. */
  readonly rule: CheckedAuthRule | 'public';
  /** Whether it answers with a stream of server-sent events, which may outlive its caller's token. */
  readonly streams: boolean;
}

/** Where `@Sse()` leaves its mark. */
const SSE = '__sse__';

/** The rule of each handler, worked out when it is first asked for. */
@Injectable()
export class HandlerRules {
  readonly #known = new WeakMap<object, WeakMap<object, HandlerRule>>();
  readonly #required = checkAuthRule({});

  of(context: ExecutionContext): HandlerRule {
    const type = context.getClass();
    const handler = context.getHandler();
    let ofClass = this.#known.get(type);
    if (ofClass === undefined) this.#known.set(type, (ofClass = new WeakMap()));
    const known = ofClass.get(handler);
    if (known !== undefined) return known;
    const rule = {
      rule: effectiveRule(handler, type) ?? this.#required,
      streams: Reflect.getMetadata(SSE, handler) === true,
    };
    ofClass.set(handler, rule);
    return rule;
  }
}
