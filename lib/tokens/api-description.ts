import type { CheckedAuthRule } from './auth-rule.js';
import { type WantedLogin, wantedLogin } from './step-up.js';

// Where @nestjs/swagger keeps what its decorators say. The package itself is not imported: metadata that nobody reads costs nothing.
const SECURITY = 'swagger/apiSecurity';
const EXTENSIONS = 'swagger/apiExtension';

/** The name of our security scheme in a document. */
export const SECURITY_SCHEME = 'oidc';

/** The name of the scheme of session cookies. */
export const SESSION_SCHEME = 'oidc-session';

/** Mark open operations and our own, until `OidcService.describe()` has seen them. */
export const OPEN_EXTENSION = 'x-oidc-open';
export const ROUTE_EXTENSION = 'x-oidc-route';
/** What a rule demands of the login, until then. */
export const LOGIN_EXTENSION = 'x-oidc-login';

type Requirement = Readonly<Record<string, readonly string[]>>;

const errorSchema = {
  type: 'object',
  required: ['statusCode', 'error', 'error_description', 'detail'],
  properties: {
    statusCode: { type: 'integer' },
    error: { type: 'string' },
    error_description: { type: 'string' },
    detail: { type: 'string' },
  },
};

/** An error body of ours, as an answer of an operation. */
export function errorAnswer(description: string): { description: string; schema: object } {
  return { description, schema: errorSchema };
}

function addTo(key: string, target: object, members: Readonly<Record<string, unknown>>): void {
  const before: unknown = Reflect.getOwnMetadata(key, target);
  Reflect.defineMetadata(key, { ...Object(before), ...members }, target);
}

function addRequirements(
  target: object,
  before: unknown,
  ...requirements: readonly Requirement[]
): void {
  const known: unknown[] = Array.isArray(before) ? before : [];
  Reflect.defineMetadata(SECURITY, [...known, ...requirements], target);
}

/** Of a class and the classes that it extends, as rules add up: what a class says itself hides what they say. Their `@Public()` opens nothing here. */
function withInherited(target: object): unknown {
  const own: unknown = Reflect.getOwnMetadata(SECURITY, target);
  if (own !== undefined) return own;
  const inherited: unknown = Reflect.getMetadata(SECURITY, target);
  if (!Array.isArray(inherited)) return undefined;
  return inherited.filter((one) => !(OPEN_EXTENSION in Object(one)));
}

/**
 * Leaves on a handler or a class what a document of the API says of its rule. Not its answers: where a handler has any, @nestjs/swagger drops its
 * own of success, and what the plugin of the Nest CLI knows of it. `OidcService.describe()` adds them.
 */
export function describeRule(rule: CheckedAuthRule | 'public', target: object): void {
  if (rule === 'public') {
    addTo(EXTENSIONS, target, { [OPEN_EXTENSION]: true });
    const own: unknown = Reflect.getOwnMetadata(SECURITY, target);
    addRequirements(target, own, { [OPEN_EXTENSION]: [] }); // of a class extensions are not read
    return;
  }
  const wanted = wantedLogin(rule);
  addRequirements(
    target,
    withInherited(target),
    { [SECURITY_SCHEME]: [...rule.scopes] },
    ...(rule.optional ? [{}] : []),
    ...(wanted === undefined ? [] : [{ [LOGIN_EXTENSION]: loginWords(wanted) }]),
  );
}

/** As the challenge says it (RFC 9470 §3). */
function loginWords({ acrValues, maxAgeSec }: WantedLogin): readonly string[] {
  const acr = acrValues.length === 0 ? [] : [`acr_values="${acrValues.join(' ')}"`];
  return maxAgeSec === undefined ? acr : [...acr, `max_age="${maxAgeSec}"`];
}
