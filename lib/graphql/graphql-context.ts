import { type ExecutionContext, IntrinsicException } from '@nestjs/common';
import { OAuthError } from '../errors/oauth.error.js';
import type { CallContext } from '../guard/call-contexts.js';
import { isRecord } from '../options/value-rules.js';
import type { RequestHeaders } from '../tokens/bearer-token.js';
import type { Credentials } from '../tokens/identity.js';

/** `extensions.code` of a refusal, as GraphQL clients know them. */
const CODES: Readonly<Record<number, string>> = {
  400: 'BAD_REQUEST',
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  503: 'SERVICE_UNAVAILABLE',
};

/**
 * A refusal as a GraphQL error: its `extensions` go to the client as they are, whichever copy of `graphql` the host has. It has no
 * stack of its own, because some servers send that along while developing, and Nest does not log it: the guard has.
 */
export class GraphqlRefusal extends IntrinsicException {
  override readonly name = 'GraphQLError';
  readonly extensions: Readonly<Record<string, unknown>>;

  constructor(refusal: OAuthError) {
    super(refusal.description, { cause: refusal });
    this.extensions = {
      code: CODES[refusal.getStatus()] ?? 'INTERNAL_SERVER_ERROR',
      oauth: refusal.getResponse(),
    };
    this.stack = `${this.name}: ${this.message}`;
  }
}

function member(holder: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((value, name) => (isRecord(value) ? value[name] : undefined), holder);
}

function isHeaders(value: unknown): value is Exclude<RequestHeaders, Headers> {
  return isRecord(value);
}

/** `connectionParams` of a subscription's connection (graphql-ws), under the name `authorization` in any case. */
function ofConnection(gql: unknown): RequestHeaders | undefined {
  const places = [['connectionParams'], ['req', 'connectionParams'], ['_connectionInit']];
  const parameters = places.map((path) => member(gql, ...path)).find(isRecord);
  const names = Object.keys(parameters ?? {}).filter(
    (name) => name.toLowerCase() === 'authorization',
  );
  if (names.length > 1) {
    throw new OAuthError('invalid_request', 'The connection has more than one authorization');
  }
  const authorization = member(parameters, names[0] ?? '');
  return typeof authorization === 'string' ? { authorization } : undefined;
}

/** The HTTP request, or the handshake of a subscription's connection, wherever the driver puts it. */
function ofRequest(gql: unknown): Credentials {
  const places = [
    ['req'],
    ['request'],
    ['req', 'extra', 'request'],
    ['extra', 'request'],
    ['reply', 'request'],
  ];
  for (const place of places) {
    const request = member(gql, ...place);
    const headers = member(request, 'headers');
    if (!isRecord(request) || !isHeaders(headers)) continue;
    const node = member(request, 'raw') ?? request;
    const rawHeaders = member(node, 'rawHeaders');
    const credentials = { headers, rawHeaders: isTexts(rawHeaders) ? rawHeaders : undefined };
    // A handshake outlives what its token was refused for.
    if (member(node, 'upgrade') === true) return { ...credentials, handshake: true };
    const method = member(node, 'method');
    return { ...credentials, request, ...(typeof method === 'string' ? { method } : {}) };
  }
  return { headers: {} };
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

/**
 * GraphQL as the guard sees it, for Apollo and Mercurius: queries and mutations carry the HTTP request's token or session cookie, subscriptions
 * those of their connection.
 */
export const graphqlContext: CallContext = {
  credentials(context: ExecutionContext): Credentials {
    const args: unknown[] = context.getArgs();
    const gql = args.length === 3 ? args[1] : args[2]; // a reference resolver has no arguments
    const headers = ofConnection(gql);
    return headers === undefined ? ofRequest(gql) : { headers };
  },
  refusal: (_, error) => (error instanceof OAuthError ? new GraphqlRefusal(error) : error),
};
