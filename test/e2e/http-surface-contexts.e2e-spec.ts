import { Injectable } from '@nestjs/common';
import { APP_GUARD, ExternalContextCreator } from '@nestjs/core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { Auth, AuthGuard, IdToken } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';

/** Stands for a resolver, a gateway or a consumer of messages: Nest runs its guards, but no HTTP route leads to it. */
@Injectable()
class Resolver {
  entered = 0;

  @Auth()
  required(): number {
    return (this.entered += 1);
  }

  @Auth({ optional: true })
  optional(@IdToken() _token: unknown): number {
    return (this.entered += 1);
  }

  plain(): number {
    return (this.entered += 1);
  }
}

const types = ['ws', 'rpc', 'graphql', 'HTTP', 'http2', 'constructor'];
const methods = ['required', 'optional', 'plain'] as const;

describe('the guard outside of HTTP', () => {
  let provider: MisbehavingProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    app = await startApp({
      provider,
      providers: [Resolver, { provide: APP_GUARD, useExisting: AuthGuard }],
    });
  });

  beforeEach(() => {
    app.app.get(Resolver).entered = 0;
    provider.clearRequests();
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  /** A call as Nest's packages for other transports make it. */
  const call = (
    type: string,
    method: (typeof methods)[number],
    args: unknown[],
  ): Promise<unknown> => {
    const resolver = app.app.get(Resolver);
    const creator = app.app.get(ExternalContextCreator, { strict: false });
    const context = creator.create(
      Object(resolver),
      Reflect.get(resolver, method),
      method,
      undefined,
      undefined,
      undefined,
      undefined,
      { guards: true, interceptors: true, filters: false },
      type,
    );
    return context(...args);
  };

  it.each(types.flatMap((type) => methods.map((method) => ({ type, method }))))(
    'HS-5: refuses the context type $type on a handler whose rule is $method',
    async ({ type, method }) => {
      const resolver = app.app.get(Resolver);
      const headers = { authorization: `Bearer ${provider.accessToken()}` };
      const client = { headers, rawHeaders: [], handshake: { headers }, raw: { headers } };

      for (const args of [[client, {}], [undefined, client, { req: client }], [{}], []]) {
        await expect(call(type, method, args)).rejects.toMatchObject({
          name: 'OAuthError',
          error: 'invalid_token',
          status: 401,
        });
      }
      expect(resolver.entered).toBe(0);
      expect(provider.requests).toEqual([]);
    },
  );

  it('HS-5: is what refuses there: the same call counts over HTTP', async () => {
    const headers = { authorization: `Bearer ${provider.accessToken()}` };

    await expect(call('http', 'required', [{ headers }, {}])).resolves.toBe(1);
  });
});
