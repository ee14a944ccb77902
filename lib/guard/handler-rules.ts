import { type ExecutionContext, Injectable } from '@nestjs/common';
import { effectiveRule } from './declared-rules.js';

type Rule = ReturnType<typeof effectiveRule>;

/** The rule of each handler, worked out when it is first asked for. */
@Injectable()
export class HandlerRules {
  readonly #known = new WeakMap<object, WeakMap<object, Exclude<Rule, undefined> | null>>();

  of(context: ExecutionContext): Rule {
    const type = context.getClass();
    const handler = context.getHandler();
    let ofClass = this.#known.get(type);
    if (ofClass === undefined) this.#known.set(type, (ofClass = new WeakMap()));
    const known = ofClass.get(handler);
    if (known !== undefined) return known ?? undefined;
    const rule = effectiveRule(handler, type);
    ofClass.set(handler, rule ?? null);
    return rule;
  }
}
