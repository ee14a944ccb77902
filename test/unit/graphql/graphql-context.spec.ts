import { describe, expect, it } from 'vitest';

import { OAuthError } from '../../../lib/errors/oauth.error.js';
import { graphqlContext } from '../../../lib/graphql/graphql-context.js';
import { presentedToken } from '../../../lib/tokens/bearer-token.js';

const headers = { authorization: 'Bearer abc' };

/** What a resolver is called with. */
const call = (gql: unknown, args: unknown[] = [{}, {}, gql, {}]) =>
  graphqlContext.credentials(Object({ getArgs: () => args }));

const tokenOf = (credentials: ReturnType<typeof call>): string =>
  presentedToken(credentials.headers, credentials.rawHeaders ?? []).token;

describe('the credentials of a GraphQL operation', () => {
  it.each<[string, unknown]>([
    ['Apollo on Express', { req: { headers } }],
    ['a request that the host hands on', { request: { headers } }],
    ['Apollo, a subscription', { req: { extra: { request: { headers } } } }],
    ['graphql-ws by itself', { extra: { request: { headers } } }],
    ['Mercurius', { reply: { request: { headers } } }],
    ['connection parameters', { connectionParams: headers }],
    ['connection parameters of Apollo', { req: { connectionParams: headers } }],
    ['connection parameters of Mercurius', { _connectionInit: headers }],
    ['connection parameters in capitals', { connectionParams: { AUTHORIZATION: 'Bearer abc' } }],
    [
      'connection parameters ahead of the handshake',
      { connectionParams: headers, req: { headers: { authorization: 'Bearer of-the-handshake' } } },
    ],
    [
      'the handshake where the parameters say nothing of it',
      { connectionParams: { authorization: 7, other: 'x' }, req: { headers } },
    ],
  ])('are found by %s', (_, gql) => {
    expect(tokenOf(call(gql))).toBe('abc');
  });

  it('are found where references are resolved, which have no arguments', () => {
    expect(tokenOf(call(undefined, [{}, { req: { headers } }, {}]))).toBe('abc');
    expect(() => tokenOf(call(undefined, [{ req: { headers } }, {}, {}]))).toThrow(/required/);
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['a context without a request', { user: 'alice' }],
    ['headers that are no object', { req: { headers: 'authorization: Bearer abc' } }],
    ['headers beside the request', { headers }],
    ['parameters that are no object', { connectionParams: 'Bearer abc' }],
  ])('are none where there is %s', (_, gql) => {
    expect(() => tokenOf(call(gql))).toThrow('A bearer token is required');
  });

  it('are refused where a connection names two', () => {
    const connectionParams = { authorization: 'Bearer abc', Authorization: 'Bearer def' };

    expect(() => call({ connectionParams })).toThrow(/more than one/);
  });

  it.each<[string, (rawHeaders: string[]) => unknown]>([
    ['Express', (rawHeaders) => ({ req: { headers, rawHeaders } })],
    ['Fastify', (rawHeaders) => ({ req: { headers, raw: { rawHeaders } } })],
  ])('are refused where a request has two headers, on %s', (_, gql) => {
    const twice = ['Authorization', 'Bearer abc', 'authorization', 'Bearer def'];

    expect(() => tokenOf(call(gql(twice)))).toThrow(/more than one/);
    expect(tokenOf(call(gql(twice.slice(0, 2))))).toBe('abc');
  });

  it('name the request that they are of, but no handshake', () => {
    const [request, fastify] = [{ headers }, { headers, raw: {} }];
    expect(call({ req: request }).request).toBe(request);
    expect(call({ req: fastify }).request).toBe(fastify.raw);

    for (const handshake of [
      { headers, upgrade: true },
      { headers, raw: { upgrade: true } },
    ]) {
      expect(call({ req: handshake })).not.toHaveProperty('request');
    }
    expect(call({ connectionParams: headers })).not.toHaveProperty('request');
  });
});

const refusal = (error: unknown): unknown => graphqlContext.refusal(Object({}), error);

describe('refusals of GraphQL', () => {
  it.each([
    [400, 'BAD_REQUEST'],
    [401, 'UNAUTHENTICATED'],
    [403, 'FORBIDDEN'],
    [503, 'SERVICE_UNAVAILABLE'],
    [502, 'INTERNAL_SERVER_ERROR'],
  ])('%s is %s, with the error body', (status, code) => {
    const error = new OAuthError('invalid_request', 'No', { status });

    expect(refusal(error)).toMatchObject({
      message: 'No',
      extensions: { code, oauth: error.getResponse() },
      stack: 'GraphQLError: No',
    });
  });

  it('what is no refusal stays as it is', () => {
    const error = new Error('of the host');

    expect(refusal(error)).toBe(error);
  });
});
