import { ServerResponse } from 'node:http';
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
    const url = member(request, 'originalUrl') ?? member(request, 'url');
    return {
      ...credentials,
      request: isRecord(node) ? node : request,
      ...(typeof method === 'string' ? { method } : {}),
      ...(typeof url === 'string' ? { url } : {}),
    };
  }
  return { headers: {} };
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

/** What an operation is called with, for resolvers of fields and of references, which have no arguments. */
function contextOf(context: ExecutionContext): unknown {
  const args: unknown[] = context.getArgs();
  return args.length === 3 ? args[1] : args[2];
}

/** Tells the client the nonce of its next proofs, where the operation came over HTTP and the driver shows its answer. */
function hand(nonce: string | undefined, context: ExecutionContext): void {
  if (nonce === undefined) return;
  const gql = contextOf(context);
  for (const place of [['res'], ['reply'], ['req', 'res']]) {
    const response = member(gql, ...place);
    const node: unknown = member(response, 'raw') ?? response;
    if (!(node instanceof ServerResponse) || node.headersSent) continue;
    node.setHeader('DPoP-Nonce', nonce);
    node.setHeader('Cache-Control', 'no-store');
    return;
  }
}

/**
 * GraphQL as the guard sees it, for Apollo and Mercurius: queries and mutations carry the HTTP request's token or session cookie, subscriptions
 * those of their connection.
 */
export const graphqlContext: CallContext = {
  credentials(context: ExecutionContext): Credentials {
    const gql = contextOf(context);
    const headers = ofConnection(gql);
    return headers === undefined ? ofRequest(gql) : { headers };
  },
  admit: (context, { dpopNonce }) => hand(dpopNonce, context),
  refusal(context, error) {
    if (!(error instanceof OAuthError)) return error;
    hand(error.dpopNonce, context);
    return new GraphqlRefusal(error);
  },
};
