import { OidcConfigError } from '../errors/oidc-config.error.js';
import { type CheckedAuthRule, sumOfRules } from '../tokens/auth-rule.js';

/** What `@Auth()` and `@Public()` leave on a handler or a class. */
type Declaration = CheckedAuthRule | 'public';

const DECLARATIONS = Symbol('declared rules');

type Target = object;

function own(target: Target): readonly Declaration[] {
  const declared: unknown = Reflect.getOwnMetadata(DECLARATIONS, target);
  return isDeclarations(declared) ? declared : [];
}

function isDeclarations(value: unknown): value is readonly Declaration[] {
  return Array.isArray(value);
}

/**
 * Leaves a declaration on a handler or a class, beside those that are there.
 *
 * @throws {@link OidcConfigError} for `@Auth()` and `@Public()` on one target, which contradict each other.
 */
export function declare(declaration: Declaration, target: Target, name: string): void {
  const declared = [...own(target), declaration];
  if (declared.includes('public') && declared.some((one) => one !== 'public')) {
    throw new OidcConfigError(
      `@Auth() and @Public() are both on ${name}. Leave one of them out: the first demands a token, the second lets everybody in.`,
    );
  }
  Reflect.defineMetadata(DECLARATIONS, declared, target);
}

function* withBases(type: Target): Generator<Target> {
  for (
    let one: Target | null = type;
    typeof one === 'function' && one !== Function.prototype;
    one = Object.getPrototypeOf(one)
  ) {
    yield one;
  }
}

function rulesOf(target: Target): CheckedAuthRule[] {
  return own(target).filter((one) => one !== 'public');
}

/** All rules that count for a handler of a class, before they are added up. */
export function declaredRules(handler: Target, type: Target): readonly CheckedAuthRule[] {
  return [...rulesOf(handler), ...[...withBases(type)].flatMap(rulesOf)];
}

/** What a class demands of all that it holds: its own rules and those of the classes that it extends, or `'public'`. */
export function effectiveClassRule(type: Target): CheckedAuthRule | 'public' | undefined {
  if (own(type).includes('public')) return 'public';
  const rules = [...withBases(type)].flatMap(rulesOf);
  return rules.length === 0 ? undefined : sumOfRules(rules);
}

/**
 * What counts for a handler of a class: its own rules, those of the class and of the classes that it extends, added up; or
 * `'public'`; or `undefined` where nobody said anything. A handler's `@Public()` opens it, its `@Auth()` closes it under a class's
 * `@Public()`, and a base class's `@Public()` opens nothing in classes that extend it.
 */
export function effectiveRule(
  handler: Target,
  type: Target,
): CheckedAuthRule | 'public' | undefined {
  if (own(handler).includes('public')) return 'public';
  const ofHandler = rulesOf(handler);
  if (ofHandler.length === 0) return effectiveClassRule(type);
  return sumOfRules(declaredRules(handler, type));
}
