import { Metadata } from '@grpc/grpc-js';
import type { ExecutionContext } from '@nestjs/common';
import { EventEmitter } from 'node:events';
import { describe, expect, it, vi } from 'vitest';

import { OAuthError } from '../../../lib/errors/oauth.error.js';
import { RpcRefusal, isStreamCall, rpcRefusal } from '../../../lib/microservices/rpc-refusal.js';
import {
  StreamCallFilter,
  refuseStreamCall,
} from '../../../lib/microservices/stream-call.filter.js';

const refusal = (status: number) => new OAuthError('invalid_token', 'No', { status });
const contextOf = (args: unknown[]): ExecutionContext => Object({ getArgs: () => args });
const call = () => Object.assign(new EventEmitter(), { metadata: new Metadata() });

describe('refusals of messages', () => {
  it.each([
    [400, 3],
    [401, 16],
    [403, 7],
    [503, 14],
    [502, 13],
    [500, 13],
  ])('%s is the status %s of gRPC, with its text alone', (status, code) => {
    for (const args of [
      [{}, new Metadata(), {}],
      [call(), vi.fn()],
    ]) {
      const error = new RpcRefusal(refusal(status), args);
      expect(error.getError()).toEqual({ code, message: 'No' });
      expect(error.message).toBe('No');
    }
  });

  it('are the error body elsewhere', () => {
    const error = new RpcRefusal(refusal(403), [{}, {}]);

    expect(error.getError()).toEqual(refusal(403).getResponse());
    expect(error.message).toBe('No');
  });

  it('leave what is no refusal to Nest, but where Nest looks at no error', () => {
    const fault = new TypeError('of the host');

    expect(rpcRefusal(contextOf([{}, {}]), fault)).toBe(fault);
    expect(rpcRefusal(contextOf([{}, new Metadata(), {}]), fault)).toBe(fault);
    const shown = rpcRefusal(contextOf([call(), vi.fn()]), fault);
    expect(shown).toMatchObject({ message: 'The call failed' });
    expect(shown).toBeInstanceOf(RpcRefusal);
  });

  it.each<[string, unknown[], boolean]>([
    ['a call with a callback', [call(), vi.fn()], true],
    ['a call alone', [call(), undefined], true],
    ['a message with its context', [{}, {}], false],
    ['a call with its metadata', [call(), new Metadata()], false],
    ['a message alone', [{}], false],
    ['nothing', [], false],
  ])('know %s', (_, args, expected) => {
    expect(isStreamCall(args)).toBe(expected);
  });
});

const passing = (): void => undefined;
const other = (): void => undefined;

describe('calls that handlers answer themselves', () => {
  it('end by their callback, or by an error', () => {
    const [answer, failed, given] = [vi.fn(), vi.fn(), call()];
    const error = new RpcRefusal(refusal(401), [given]);
    given.on('error', failed);

    refuseStreamCall([given, answer], error);
    expect(answer).toHaveBeenCalledWith({ code: 16, message: 'No' });
    expect(failed).not.toHaveBeenCalled();
    refuseStreamCall([given, undefined], error);
    expect(failed).toHaveBeenCalledWith({ code: 16, message: 'No' });
    refuseStreamCall(['text', undefined], error); // nothing that could be told
  });

  it('get the filter once, ahead of others, and other handlers do not', () => {
    const ofHost = {};
    Reflect.defineMetadata('microservices:pattern', [{ streaming: 'pt_stream' }], passing);
    Reflect.defineMetadata('microservices:pattern', ['text', { streaming: 'no_stream' }], other);
    Reflect.defineMetadata('__exceptionFilters__', [ofHost], passing);

    for (const handler of [passing, passing, other]) StreamCallFilter.useOn(handler);

    const filters: unknown = Reflect.getMetadata('__exceptionFilters__', passing);
    expect(filters).toEqual([ofHost, expect.any(StreamCallFilter)]);
    expect(Reflect.getMetadata('__exceptionFilters__', other)).toBeUndefined();
  });
});
