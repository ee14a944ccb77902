import type { ExecutionContext } from '@nestjs/common';
import { describe, expect, it } from 'vitest';

import { callerOf, markAnonymous, setCaller, verifiedClaims } from '../../../lib/guard/caller.js';
import type { Identity } from '../../../lib/tokens/identity.js';

const identity = (sub: string): Identity =>
  Object({ claims: { sub }, roles: [], holds: () => true });
const [alice, bob] = [identity('alice'), identity('bob')];

const one = (): void => undefined;
const other = (): void => undefined;

function context(type: string, args: readonly unknown[], handler: unknown = one): ExecutionContext {
  return Object({ getType: () => type, getArgs: () => args, getHandler: () => handler });
}

describe('who the caller is', () => {
  it('is told over HTTP by the request itself', () => {
    const [request, response] = [{}, {}];
    setCaller(context('http', [request, response]), alice);

    expect(callerOf(request)).toBe(alice);
    expect(callerOf(response)).toBeUndefined();
    expect(callerOf(context('http', [request, {}], other))).toBe(alice);
    expect(callerOf({})).toBeUndefined();
    markAnonymous(request);
    expect(callerOf(request)).toBeNull();
  });

  it('is told in GraphQL for each field', () => {
    const gql = {};
    const [first, second] = [{ fieldName: 'first' }, { fieldName: 'second' }];
    setCaller(context('graphql', [{}, {}, gql, first]), alice);
    setCaller(context('graphql', [{}, {}, gql, second]), null);

    expect(callerOf(context('graphql', [{}, {}, gql, first]))).toBe(alice);
    expect(callerOf(context('graphql', [{}, {}, gql, second]))).toBeNull();
  });

  it('is told in GraphQL for each reference, which has no arguments', () => {
    const gql = {};
    const [first, second] = [{ fieldName: 'first' }, { fieldName: 'second' }];
    setCaller(context('graphql', [{}, gql, first]), alice);
    setCaller(context('graphql', [{}, gql, second]), null);

    expect(callerOf(context('graphql', [{}, gql, first]))).toBe(alice);
    expect(callerOf(context('graphql', [{}, gql, second]))).toBeNull();
  });

  it('is told on a connection for each handler', () => {
    const client = {};
    setCaller(context('ws', [client, 'data']), alice);
    setCaller(context('ws', [client, 'data'], other), null);

    expect(callerOf(context('ws', [client, 'next']))).toBe(alice);
    expect(callerOf(context('ws', [client, 'next'], other))).toBeNull();
    expect(callerOf(context('ws', [{}, 'data']))).toBeUndefined();
  });

  it('is told of a message for each handler, and to filters, which know none', () => {
    const message = {};
    setCaller(context('rpc', ['data', message]), alice);
    setCaller(context('rpc', ['data', message], other), bob);

    expect(callerOf(context('rpc', ['data', message]))).toBe(alice);
    expect(callerOf(context('rpc', ['data', message], other))).toBe(bob);
    expect(callerOf(context('rpc', ['data', message], null))).toBe(bob);
    expect(callerOf(context('rpc', ['data', {}]))).toBeUndefined();
  });

  it('is told of a call of gRPC that stands alone', () => {
    for (const nothing of [one, null]) {
      const call = {};
      setCaller(context('rpc', [call, nothing]), alice);

      expect(callerOf(context('rpc', [call, nothing]))).toBe(alice);
      expect(callerOf(context('rpc', [{}, nothing]))).toBeUndefined();
    }
  });

  it.each(['getHandler', 'getArgs'])('is told by a request that has a member %s', (member) => {
    const request = { [member]: one };
    setCaller(context('http', [request]), alice);

    expect(callerOf(request)).toBe(alice);
  });

  it.each<[string, ExecutionContext]>([
    ['no arguments', context('http', [])],
    ['no connection', context('ws', [undefined])],
    ['no message', context('rpc', ['data'])],
    ['a text', context('graphql', [{}, {}, 'text'])],
  ])('is not kept where there is %s', (_, nowhere) => {
    setCaller(nowhere, alice);

    expect(callerOf(nowhere)).toBeUndefined();
    expect(verifiedClaims(nowhere)).toBeUndefined();
  });

  it('gives claims of callers only', () => {
    const request = {};
    setCaller(context('http', [request]), alice);
    expect(verifiedClaims(request)).toBe(alice.claims);
    expect(verifiedClaims(context('http', [request]))).toBe(alice.claims);
    setCaller(context('http', [request]), null);
    expect(verifiedClaims(request)).toBeUndefined();
  });
});
