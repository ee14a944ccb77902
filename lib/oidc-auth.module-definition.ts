import { ConfigurableModuleBuilder, type DynamicModule } from '@nestjs/common';
import type { OidcAuthOptions, RouteOptions } from './options/oidc-auth-options.js';
import { OIDC_AUTH_OPTIONS, RESOLVED_ROUTES } from './options/options.token.js';
import { resolveRoutes } from './options/resolve-routes.js';
import { createControllers } from './routes/create-controllers.js';

/** What decides which controllers and exports the container holds, and so must be known at registration. */
export interface OidcAuthRegistration {
  /**
   * Whether other modules can use `@Auth()` and inject `OidcService` without importing this module again.
   * @defaultValue `true`
   */
  isGlobal?: boolean;
  /** Paths of the routes, each can be `false`. */
  routes?: RouteOptions;
}

/** What a factory of `forRootAsync` returns; `routes` stands beside the factory. */
export type OidcAuthFactoryOptions = Omit<OidcAuthOptions, 'routes'>;

const registrationDefaults: OidcAuthRegistration = { isGlobal: true, routes: {} };

function register(
  definition: DynamicModule,
  { isGlobal, routes }: OidcAuthRegistration,
): DynamicModule {
  const resolved = resolveRoutes(routes);
  return {
    ...definition,
    global: isGlobal ?? true,
    controllers: [...createControllers(resolved).values()],
    providers: [...(definition.providers ?? []), { provide: RESOLVED_ROUTES, useValue: resolved }],
  };
}

export const { ConfigurableModuleClass, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<OidcAuthFactoryOptions>({
    optionsInjectionToken: OIDC_AUTH_OPTIONS,
  })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createOidcAuthOptions')
    .setExtras(registrationDefaults, register)
    .build();
