import { Controller, Get, Post } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import {
  createConfig,
  lintDocument,
  makeDocumentFromString,
  BaseResolver,
} from '@redocly/openapi-core';
import { afterEach, describe, expect, it } from 'vitest';

import { Auth, AuthGuard, type OidcAuthOptions, Public } from '../../lib/index.js';
import { adapters, startApp, type AppOptions, type TestApp } from '../support/app.js';

@Controller('orders')
@Auth({ scopes: 'orders' })
class Orders {
  @Get()
  list(): object {
    return {};
  }

  @Post()
  @Auth({ scopes: 'write', roles: 'staff' })
  create(): object {
    return {};
  }

  @Get('open')
  @Public()
  open(): object {
    return {};
  }
}

@Controller('plain')
class Plain {
  @Get()
  plain(): object {
    return {};
  }

  @Get('feed')
  @Auth({ optional: true })
  feed(): object {
    return {};
  }

  @Get('open')
  @Public()
  open(): object {
    return {};
  }
}

const broker: OidcAuthOptions['broker'] = {
  audience: 'api',
  store: 'memory://',
  signingAlgorithm: 'ES256',
};

const operation = (document: OpenAPIObject, path: string, method: 'get' | 'post' = 'get') =>
  document.paths[path]?.[method];

describe.each(adapters)('the OpenAPI document on %s', (adapter) => {
  let app: TestApp | undefined;

  afterEach(async () => {
    await app?.close();
    app = undefined;
  });

  const documentOf = async (options: Partial<AppOptions>): Promise<OpenAPIObject> => {
    app = await startApp({ adapter, controllers: [Orders, Plain], ...options });
    const config = new DocumentBuilder().setTitle('API').setVersion('1').addServer('/').build();
    return app.service.describe(SwaggerModule.createDocument(app.app, config));
  };

  it('says of guarded handlers which scopes they need, and that they answer 401 and 403', async () => {
    const document = await documentOf({});

    expect(operation(document, '/orders')?.security).toEqual([{ oidc: ['orders'] }]);
    expect(operation(document, '/orders', 'post')?.security).toEqual([
      { oidc: ['orders', 'write'] },
    ]);
    expect(Object.keys(operation(document, '/orders')?.responses ?? {})).toEqual(
      expect.arrayContaining(['401', '403']),
    );
    expect(operation(document, '/orders/open')?.security).toBeUndefined();
    expect(operation(document, '/plain/feed')?.security).toEqual([{ oidc: [] }, {}]);
    expect(operation(document, '/plain')?.security).toBeUndefined();
    expect(document.components?.securitySchemes?.['oidc']).toMatchObject({
      type: 'openIdConnect',
      openIdConnectUrl: expect.stringContaining('/.well-known/openid-configuration'),
    });
  });

  it('names handlers that only a guard of the whole application guards', async () => {
    const providers = [{ provide: APP_GUARD, useExisting: AuthGuard }];
    const document = await documentOf({ providers });

    expect(operation(document, '/plain')?.security).toEqual([{ oidc: [] }]);
    expect(operation(document, '/plain')?.responses).toHaveProperty('401');
    expect(operation(document, '/plain/open')?.security).toBeUndefined();
    expect(operation(document, '/auth/v2/login')?.security).toBeUndefined();
  });

  it('has a bearer token without scopes in broker mode', async () => {
    const document = await documentOf({ options: { broker } });

    expect(operation(document, '/orders')?.security).toEqual([{ oidc: [] }]);
    expect(document.components?.securitySchemes?.['oidc']).toEqual({
      type: 'http',
      scheme: 'bearer',
      bearerFormat: 'JWT',
    });
  });

  it('has our routes with parameters, forms, answers and real status codes, under one tag', async () => {
    const document = await documentOf({ options: { broker } });

    const login = operation(document, '/auth/v2/login');
    expect(login?.tags).toEqual(['auth']);
    expect(Object.keys(login?.responses ?? {})).toEqual(['302', '400', '502', '503']);
    expect(login?.parameters).toContainEqual(
      expect.objectContaining({ name: 'redirect_uri', in: 'query', required: true }),
    );
    const token = operation(document, '/auth/v2/token', 'post');
    expect(JSON.stringify(token?.requestBody)).toContain('application/x-www-form-urlencoded');
    expect(JSON.stringify(token?.requestBody)).toContain('refresh_token');
    expect(JSON.stringify(token?.responses['200'])).toContain('access_token');
    expect(operation(document, '/auth/v2/userinfo')?.security).toEqual([{ oidc: [] }]);
    expect(JSON.stringify(document)).not.toContain('x-oidc');
  });

  it('leaves out routes that are switched off, and those of the other mode', async () => {
    const off = await documentOf({ options: { routes: { device: false, apiTag: 'login' } } });
    expect(Object.keys(off.paths)).not.toContain('/auth/v2/device');
    expect(Object.keys(off.paths)).not.toContain('/auth/v2/introspect');
    expect(Object.keys(off.paths)).not.toContain('/auth/v2/.well-known/jwks.json');
    expect(operation(off, '/auth/v2/login')?.tags).toEqual(['login']);
    await app?.close();

    const introspecting = await documentOf({
      options: { broker: { ...broker, introspectionScope: 'introspect' } },
    });
    expect(Object.keys(introspecting.paths)).toContain('/auth/v2/introspect');
  });

  it.each([
    ['passthrough', {}],
    ['broker', { broker }],
  ])('passes a linter in %s mode', async (_, options) => {
    const document = await documentOf({ options });
    const problems = await lintDocument({
      document: makeDocumentFromString(JSON.stringify(document), 'openapi.json'),
      externalRefResolver: new BaseResolver(),
      config: await createConfig({ extends: ['spec'] }),
    });

    expect(problems.map(({ message, location }) => [message, location[0]?.pointer])).toEqual([]);
  });
});
