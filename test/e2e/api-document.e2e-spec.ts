import { Controller, Get, Post } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import {
  ApiAcceptedResponse,
  ApiProperty,
  ApiUnauthorizedResponse,
  DocumentBuilder,
  type OpenAPIObject,
  SwaggerModule,
} from '@nestjs/swagger';
import {
  createConfig,
  lintDocument,
  makeDocumentFromString,
  BaseResolver,
} from '@redocly/openapi-core';
import { afterEach, describe, expect, it } from 'vitest';

import { Auth, AuthGuard, OidcAuthModule, type OidcAuthOptions, Public } from '../../lib/index.js';
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

@Controller('money')
@Auth({ maxAgeSec: 600 })
class Money {
  @Get()
  @Auth({ scopes: 'money', acr: ['gold', 'platinum'] })
  transfer(): object {
    return {};
  }

  @Get('rates')
  @Public()
  rates(): object {
    return {};
  }
}

@Controller('lobby')
@Public()
class Lobby {
  @Get()
  enter(): object {
    return {};
  }

  @Get('safe')
  @Auth({ scopes: 'safe' })
  safe(): object {
    return {};
  }
}

@Auth({ scopes: 'base', maxAgeSec: 600 })
class Base {}

@Controller('extending')
@Auth({ scopes: 'own' })
class Extending extends Base {
  @Get()
  @Auth({ scopes: 'handler' })
  closed(): object {
    return {};
  }
}

@Public()
class OpenBase {}

@Controller('extending-open')
@Auth({ scopes: 'own' })
class ExtendingOpen extends OpenBase {
  @Get()
  closed(): object {
    return {};
  }
}

@Controller('opening')
@Public()
class Opening extends Base {
  @Get()
  open(): object {
    return {};
  }
}

class Answer {
  @ApiProperty()
  readonly text: string = '';
}

@Controller('described')
class Described {
  /** What the plugin of the Nest CLI leaves on a class. */
  static _OPENAPI_METADATA_FACTORY() {
    return { typed: { type: Answer } };
  }

  @Get()
  @Auth()
  typed(): Answer {
    return new Answer();
  }

  @Post()
  @ApiAcceptedResponse()
  @Auth()
  @ApiUnauthorizedResponse({ description: 'My own words' })
  accepted(): object {
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

/** Names of the parameters of the login route. */
const namesOf = (document: OpenAPIObject) =>
  (operation(document, '/auth/v2/login')?.parameters ?? []).map((one) => Object(one).name);

/** Any of these, or none. */
const optional = (...names: string[]) => [...names.map((name) => ({ [name]: [] })), {}];

describe.each(adapters)('the OpenAPI document on %s', (adapter) => {
  let app: TestApp | undefined;

  afterEach(async () => {
    await app?.close();
    app = undefined;
  });

  const documentOf = async (
    options: Partial<AppOptions>,
    settings: (builder: DocumentBuilder) => DocumentBuilder = (builder) => builder,
  ): Promise<OpenAPIObject> => {
    app = await startApp({ adapter, controllers: [Orders, Plain], ...options });
    const builder = new DocumentBuilder().setTitle('API').setVersion('1').addServer('/');
    const document = SwaggerModule.createDocument(app.app, settings(builder).build());
    return app.service.describe(document);
  };

  it('says of guarded handlers which scopes they need, and that they answer 401 and 403', async () => {
    const document = await documentOf({});

    expect(operation(document, '/orders')?.security).toEqual([{ oidc: ['orders'] }]);
    expect(operation(document, '/orders', 'post')?.security).toEqual([
      { oidc: ['orders', 'write'] },
    ]);
    expect(Object.keys(operation(document, '/orders')?.responses ?? {})).toEqual([
      '200',
      '401',
      '403',
    ]);
    expect(operation(document, '/orders/open')?.security).toBeUndefined();
    expect(Object.keys(operation(document, '/orders/open')?.responses ?? {})).toEqual(['200']);
    expect(operation(document, '/plain/feed')?.security).toEqual([{ oidc: [] }, {}]);
    expect(operation(document, '/plain')?.security).toBeUndefined();
    expect(document.components?.securitySchemes?.['oidc']).toMatchObject({
      type: 'openIdConnect',
      openIdConnectUrl: expect.stringContaining('/.well-known/openid-configuration'),
    });
  });

  it('leaves alone what the host and its compiler plugin say of answers', async () => {
    const document = await documentOf({ controllers: [Described] });

    const { responses: ofPlugin } = operation(document, '/described') ?? {};
    expect(ofPlugin?.['200']).toMatchObject({
      content: { 'application/json': { schema: { $ref: '#/components/schemas/Answer' } } },
    });
    expect(Object.keys(ofPlugin ?? {})).toEqual(['200', '401', '403']);
    const { responses: ofHost } = operation(document, '/described', 'post') ?? {};
    expect(Object.keys(ofHost ?? {})).toEqual(['202', '401', '403']);
    expect(ofHost?.['401']).toMatchObject({ description: 'My own words' });
  });

  it('names handlers that only a guard of the whole application guards', async () => {
    const providers = [{ provide: APP_GUARD, useExisting: AuthGuard }];
    const document = await documentOf({ providers });

    expect(operation(document, '/plain')?.security).toEqual([{ oidc: [] }]);
    expect(operation(document, '/plain')?.responses).toHaveProperty('401');
    expect(operation(document, '/plain/open')?.security).toBeUndefined();
    expect(operation(document, '/auth/v2/login')?.security).toBeUndefined();
  });

  it('says which login a handler demands, and leaves no mark of ours behind', async () => {
    const document = await documentOf({ controllers: [Money] });

    expect(operation(document, '/money')?.security).toEqual([{ oidc: ['money'] }]);
    expect(operation(document, '/money')?.responses['401']).toMatchObject({
      description:
        'No access token, or none that is valid; or no login as demanded (max_age="600", acr_values="gold platinum")',
    });
    expect(operation(document, '/money/rates')?.security).toBeUndefined();
    expect(JSON.stringify(document)).not.toContain('x-oidc');
  });

  it('names what a public class leaves open, and what a handler closes in it', async () => {
    const providers = [{ provide: APP_GUARD, useExisting: AuthGuard }];
    const document = await documentOf({ providers, controllers: [Lobby] });

    expect(operation(document, '/lobby')?.security).toBeUndefined();
    expect(Object.keys(operation(document, '/lobby')?.responses ?? {})).toEqual(['200']);
    expect(operation(document, '/lobby/safe')?.security).toEqual([{ oidc: ['safe'] }]);
  });

  it('adds up what a class and the classes that it extends demand, as the guard does', async () => {
    const document = await documentOf({ controllers: [Extending, ExtendingOpen, Opening] });

    const closed = operation(document, '/extending');
    expect(closed?.security).toEqual([{ oidc: ['base', 'own', 'handler'] }]);
    expect(JSON.stringify(closed?.responses['401'])).toContain('max_age');
    expect(operation(document, '/extending-open')?.security).toEqual([{ oidc: ['own'] }]);
    expect(operation(document, '/opening')?.security).toBeUndefined();
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

  it('has the scheme DPoP in broker mode where no bearer token is taken', async () => {
    const document = await documentOf({ options: { broker, dpop: 'required' } });

    expect(document.components?.securitySchemes?.['oidc']).toMatchObject({ scheme: 'dpop' });
  });

  it.each([
    ['passthrough', {}],
    ['broker', { broker }],
  ])('keeps a scheme of the host’s by that name, with scopes, in %s mode', async (_, options) => {
    const flow = { authorizationUrl: '/login', tokenUrl: '/token', scopes: { orders: '' } };
    const scheme = { type: 'oauth2', flows: { authorizationCode: flow } } as const;
    const document = await documentOf({ options }, (builder) => builder.addOAuth2(scheme, 'oidc'));

    expect(document.components?.securitySchemes).toEqual({ oidc: scheme });
    expect(operation(document, '/orders')?.security).toEqual([{ oidc: ['orders'] }]);
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

  it('names what the login route passes on from its caller', async () => {
    const options = { loginParameters: ['login_hint', 'max_age'] };
    const listed = await documentOf({ options });
    await app?.close();
    const none = await documentOf({});

    expect(namesOf(listed)).toEqual([...namesOf(none), 'login_hint', 'max_age']);
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

  describe('where people log in by cookie', () => {
    const browsers = { broker, session: {} };

    it('says that guarded handlers take the cookie in place of a token, and ours for tokens do not', async () => {
      const document = await documentOf({ options: browsers });
      const either = [{ oidc: [] }, { 'oidc-session': [] }];

      expect(document.components?.securitySchemes).toEqual({
        oidc: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        'oidc-session': { type: 'apiKey', in: 'cookie', name: 'oidc-session' },
      });
      expect(operation(document, '/orders', 'post')?.security).toEqual(either);
      expect(operation(document, '/plain/feed')?.security).toEqual([...either, {}]);
      expect(operation(document, '/orders/open')?.security).toBeUndefined();
      expect(operation(document, '/auth/v2/userinfo')?.security).toEqual([{ oidc: [] }]);
      expect(operation(document, '/auth/v2/token', 'post')?.security).toBeUndefined();
    });

    it('names the cookie as browsers know it, also for handlers that only a guard of the whole application guards', async () => {
      const publicUrl = 'https://app.example.org';
      const session = { cookieName: 'shop' };
      const providers = [{ provide: APP_GUARD, useExisting: AuthGuard }];
      const document = await documentOf({ providers, options: { broker, publicUrl, session } });

      expect(document.components?.securitySchemes?.['oidc-session']).toMatchObject({
        name: '__Host-shop',
      });
      expect(operation(document, '/plain')?.security).toEqual([
        { oidc: [] },
        { 'oidc-session': [] },
      ]);
    });

    it('has what the routes of browsers do, with real status codes', async () => {
      const document = await documentOf({ options: browsers });
      const statusesOf = (path: string, method?: 'post') =>
        Object.keys(operation(document, path, method)?.responses ?? {});

      const login = operation(document, '/auth/v2/login');
      for (const name of ['redirect_uri', 'return_to']) {
        expect(login?.parameters).toContainEqual(
          expect.objectContaining({ name, required: false }),
        );
      }
      expect(statusesOf('/auth/v2/callback')).toEqual(['200', '303', '400', '403', '502', '503']);
      expect(operation(document, '/auth/v2/callback')?.responses['400']).toMatchObject({
        content: { 'application/json': {}, 'text/html': {} },
      });
      expect(statusesOf('/auth/v2/session')).toEqual(['200', '502', '503']);
      expect(operation(document, '/auth/v2/session')?.security).toEqual(optional('oidc-session'));
      expect(statusesOf('/auth/v2/logout')).toEqual(['200', '302', '400', '503']);
      expect(operation(document, '/auth/v2/logout')?.security).toEqual(
        optional('oidc', 'oidc-session'),
      );
      expect(statusesOf('/auth/v2/logout', 'post')).toEqual(['200', '303', '400', '403', '503']);
      expect(JSON.stringify(document)).not.toContain('x-oidc');
    });

    it('names once what a login is begun with by others', async () => {
      const options = { ...browsers, loginParameters: ['login_hint', 'max_age'] };
      const names = namesOf(await documentOf({ options }));
      await app?.close();
      const plain = namesOf(await documentOf({ options: { broker } }));

      for (const name of ['iss', 'target_link_uri', 'login_hint']) {
        expect(names.filter((one) => one === name)).toEqual([name]);
      }
      expect(plain).not.toContain('target_link_uri');
      expect(plain).not.toContain('login_hint');
    });

    it.each([
      ['passthrough', {}],
      ['broker', { broker }],
    ])(
      'shows none of it without the option, where a factory gives the options in %s mode',
      async (_, options) => {
        const document = await documentOf({
          options,
          register: (all) => OidcAuthModule.forRootAsync({ useFactory: () => all }),
        });

        expect(Object.keys(document.paths)).not.toContain('/auth/v2/session');
        expect(operation(document, '/auth/v2/logout')).toBeDefined();
        expect(operation(document, '/auth/v2/logout', 'post')).toBeUndefined();
        expect(JSON.stringify(document)).not.toContain('oidc-session');
      },
    );
  });

  it.each([
    ['passthrough', {}],
    ['broker', { broker }],
    ['broker mode with sessions by cookie, broker', { broker, session: {} }],
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
