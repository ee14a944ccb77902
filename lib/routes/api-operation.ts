import type { RouteName } from '../options/resolve-routes.js';
import { type Schema, schemas, text } from './api-schemas.js';
import { ROUTE_EXTENSION, SECURITY_SCHEME, errorAnswer } from '../tokens/api-description.js';

interface Operation {
  readonly summary: string;
  /** Parameters of the query; those with `!` at their end are required. */
  readonly query?: readonly string[];
  /** Fields of the form, likewise. */
  readonly form?: readonly string[];
  /** What a good answer is: a body, or a place to go to. */
  readonly answer: Schema | 'redirect';
  /** Statuses of refusals. */
  readonly refusals: readonly number[];
}

const codes: Readonly<Record<number, string>> = {
  400: 'The request cannot be served as it is',
  401: 'No access token, or none that is valid',
  403: 'Not allowed',
  404: 'Nothing of the kind is set up here',
  502: 'The identity provider gave an answer that cannot be used',
  503: 'The identity provider or the store cannot be reached',
};

const operations: Readonly<Record<RouteName, Operation>> = {
  login: {
    summary: 'Sends the browser to the identity provider',
    query: [
      'redirect_uri!',
      'prompt',
      'offline_access',
      'scope',
      'code_challenge',
      'code_challenge_method',
      'dpop_jkt',
      'provider',
      'iss',
    ],
    answer: 'redirect',
    refusals: [400, 502, 503],
  },
  callback: {
    summary: 'Ends a login: where the identity provider sends the browser back',
    query: ['code', 'state!', 'iss', 'error'],
    answer: schemas.tokens,
    refusals: [400, 403, 502, 503],
  },
  token: {
    summary: 'Gives tokens for a code, a refresh token, a device code or a subject token',
    form: [
      'grant_type',
      'code',
      'redirect_uri',
      'code_verifier',
      'state',
      'iss',
      'refresh_token',
      'device_code',
      'subject_token',
      'subject_token_type',
      'requested_token_type',
      'audience',
      'resource',
      'scope',
    ],
    answer: schemas.tokens,
    refusals: [400, 403, 502, 503],
  },
  device: {
    summary: 'Starts a device login',
    form: ['scope', 'provider'],
    answer: schemas.device,
    refusals: [400, 502, 503],
  },
  logout: {
    summary: 'Sends the browser to log out',
    query: ['post_logout_redirect_uri', 'state', 'provider'],
    answer: 'redirect',
    refusals: [400, 503],
  },
  userinfo: {
    summary: 'The profile of the access token’s user',
    answer: schemas.profile,
    refusals: [401, 403, 502, 503],
  },
  revoke: {
    summary: 'Revokes a token',
    form: ['token!', 'token_type_hint', 'provider'],
    answer: schemas.nothing,
    refusals: [400, 502, 503],
  },
  jwks: { summary: 'The public keys of access tokens', answer: schemas.keys, refusals: [503] },
  clientJwks: {
    summary: 'The public keys that this application proves itself to providers with',
    answer: schemas.keys,
    refusals: [404, 503],
  },
  introspect: {
    summary: 'What an access token says',
    form: ['token!', 'token_type_hint'],
    answer: schemas.introspection,
    refusals: [400, 401, 403, 503],
  },
  backchannelLogout: {
    summary: 'Ends sessions that the identity provider has ended',
    form: ['logout_token!'],
    answer: schemas.nothing,
    refusals: [400],
  },
  providers: {
    summary: 'The identity providers, for login pages',
    answer: schemas.providers,
    refusals: [503],
  },
  session: {
    summary: 'Who is logged in by cookie',
    answer: schemas.session,
    refusals: [502, 503],
  },
};

/** What logs a browser out by POST, at the path of the logout route. */
export const logoutByCookie: Operation = {
  summary: 'Ends the session of the cookie',
  query: ['post_logout_redirect_uri', 'state', 'provider'],
  answer: schemas.location,
  refusals: [400, 403, 503],
};

/** What ends a login by POST, at the path of the callback. */
export const formPostCallback: Operation = {
  summary: 'Ends a login whose answer the identity provider’s page sends as a form',
  form: ['code', 'state!', 'iss', 'error'],
  answer: schemas.tokens,
  refusals: [400, 403, 502, 503],
};

/** What another site begins a login with by POST, at the path of the login route. */
export const thirdPartyLogin: Operation = {
  summary: 'Begins a login for another site',
  form: ['iss!', 'login_hint', 'target_link_uri', 'provider'],
  answer: 'redirect',
  refusals: [400],
};

/** Routes whose caller brings an access token. */
const withToken: readonly RouteName[] = ['userinfo', 'introspect'];

const bare = (name: string): string => name.replace(/!$/, '');

function bodyOf(form: readonly string[]): object {
  return {
    in: 'body',
    type: String,
    required: form.some((name) => name.endsWith('!')),
    schema: {
      type: 'object',
      required: form.filter((name) => name.endsWith('!')).map(bare),
      properties: Object.fromEntries(form.map((name) => [bare(name), text])),
    },
  };
}

function answersOf({ answer, refusals }: Operation): object {
  const good =
    answer === 'redirect'
      ? { 302: { description: 'Where to go', headers: { Location: { schema: text } } } }
      : { 200: { description: 'Done', schema: answer } };
  return {
    ...good,
    ...Object.fromEntries(refusals.map((status) => [status, errorAnswer(codes[status] ?? '')])),
  };
}

/**
 * Leaves on the handler of a route what a document of the API (@nestjs/swagger) says of it.
 *
 * @param mark by which `OidcService.describe()` knows it.
 */
export function describeRoute(
  route: RouteName,
  controller: Function,
  tag: string,
  operation: Operation = operations[route],
  mark: string = route,
): void {
  const { query = [], form } = operation;
  const inQuery = query.map((name) => ({
    name: bare(name),
    in: 'query',
    required: name.endsWith('!'),
    type: String,
  }));
  Reflect.defineMetadata('swagger/apiUseTags', [tag], controller);
  for (const [name, { value: handler }] of members(controller)) {
    if (name === 'constructor' || typeof handler !== 'function') continue;
    const ofPath: unknown = Reflect.getMetadata('path', handler); // `:provider` of a callback
    const inPath =
      ofPath === ':provider'
        ? [{ name: 'provider', in: 'path', required: true, type: String }]
        : [];
    const parameters = [...inPath, ...inQuery];
    const extension: object = Object(Reflect.getOwnMetadata('swagger/apiExtension', handler));
    const said: Readonly<Record<string, unknown>> = {
      apiOperation: { summary: operation.summary },
      apiParameters: form === undefined ? parameters : [...parameters, bodyOf(form)],
      apiResponse: answersOf(operation),
      apiExtension: { ...extension, [ROUTE_EXTENSION]: mark },
      ...(form === undefined ? {} : { apiConsumes: ['application/x-www-form-urlencoded'] }),
      ...(withToken.includes(route) ? { apiSecurity: [{ [SECURITY_SCHEME]: [] }] } : {}),
    };
    for (const [key, what] of Object.entries(said)) {
      Reflect.defineMetadata(`swagger/${key}`, what, handler);
    }
  }
}

/** Leaves a controller out of such documents. */
export function leaveOut(controller: Function): void {
  Reflect.defineMetadata('swagger/apiExcludeController', [true], controller);
}

function members({ prototype }: Function): [string, PropertyDescriptor][] {
  return Object.entries(Object.getOwnPropertyDescriptors(Object(prototype)));
}
