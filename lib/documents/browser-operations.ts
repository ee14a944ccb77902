import { isRecord } from '../options/value-rules.js';
import { SECURITY_SCHEME, SESSION_SCHEME } from '../tokens/api-description.js';

/** A part of a document. */
export type Members = Record<string, unknown>;

const text = { type: 'string' };
const location = { Location: { schema: text } };

/** Routes that answer only where sessions by cookie are on. */
export function isOfBrowsers(route: unknown): boolean {
  return route === 'session' || route === 'logoutByCookie';
}

/** Completes the operation of one of our routes with what it does where sessions by cookie are on. */
export function completeBrowserRoute(route: unknown, operation: Members): void {
  const answers = memberOf(operation, 'responses');
  switch (route) {
    case 'login':
      addBrowserLogins(operation);
      break;
    case 'callback':
      answers['303'] = {
        description: 'A browser that began with return_to is logged in, and goes there',
        headers: { ...location, 'Set-Cookie': { schema: text } },
      };
      break;
    case 'session':
      operation['security'] = [{ [SESSION_SCHEME]: [] }, {}];
      break;
    case 'logout':
      operation['security'] = [{ [SECURITY_SCHEME]: [] }, { [SESSION_SCHEME]: [] }, {}];
      answers['200'] = {
        description: 'A page that asks first, where a page of another site led here',
      };
      addPage(answers['200']);
      break;
    case 'logoutByCookie':
      operation['security'] = [{ [SESSION_SCHEME]: [] }, { [SECURITY_SCHEME]: [] }, {}];
      answers['303'] = { description: 'Where to go', headers: location };
      break;
    default:
  }
}

/** Completes the operation of a callback: a person whose login failed gets a page. */
export function addFailurePages(operation: Members): void {
  const answers = memberOf(operation, 'responses');
  for (const status of ['400', '403', '502', '503']) addPage(answers[status]);
}

/** What a login that ends with a session by cookie takes from its caller, with what it means there. */
const OF_BROWSER_LOGINS = {
  return_to: 'Instead of redirect_uri: logs the browser in by cookie, and leads it to this path',
  target_link_uri: 'Where a login leads that another site begins with iss alone',
  login_hint: 'Of a login that another site begins: passed on to the identity provider',
};

/** Either `redirect_uri`, or `return_to`, or what others begin a login with (OpenID Connect Core §4). */
function addBrowserLogins(operation: Members): void {
  const known: unknown = operation['parameters'];
  const parameters = (Array.isArray(known) ? known : []).filter(isRecord);
  const others = parameters.map((one) =>
    one['name'] === 'redirect_uri' ? { ...one, required: false } : one,
  );
  const further = Object.entries(OF_BROWSER_LOGINS)
    .filter(([name]) => !parameters.some((one) => one['name'] === name)) // "loginParameters" may list it
    .map(([name, description]) => ({
      name,
      in: 'query',
      required: false,
      description,
      schema: text,
    }));
  operation['parameters'] = [...others, ...further];
}

/** People who come by a navigation get a page. */
function addPage(answer: unknown): void {
  if (isRecord(answer)) memberOf(answer, 'content')['text/html'] = { schema: text };
}

/** An object in another one, which is made where there is none. */
export function memberOf(holder: object, name: string): Members {
  const member: unknown = Reflect.get(holder, name);
  if (isRecord(member)) return member;
  const made: Members = {};
  Object.assign(holder, { [name]: made });
  return made;
}
