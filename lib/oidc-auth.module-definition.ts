import { ConfigurableModuleBuilder, type DynamicModule } from '@nestjs/common';
import type { OidcAuthOptions } from './options/oidc-auth-options.js';
import type { RouteOptions } from './options/route-options.js';
import type { SeveralProvidersOptions } from './options/several-providers.js';
import { BROKER_STORE, OIDC_AUTH_OPTIONS, RESOLVED_ROUTES } from './options/options.token.js';
import { type RouteDemands, resolveRoutes } from './options/resolve-routes.js';
import { isRecord } from './options/value-rules.js';
import { createControllers } from './routes/create-controllers.js';
import type { BrokerStoreChoice } from './contract/store-choice.js';
import { storeDefinition } from './store/resolve-store.js';

/** What decides which controllers and exports the container holds, and so must be known at registration. */
export interface OidcAuthRegistration {
  /**
   * Whether other modules can use `@Auth()` and inject `OidcService` without importing this module again.
   * @defaultValue `true`
   */
  isGlobal?: boolean | undefined;
  /** Paths of the routes, each can be `false`. */
  routes?: RouteOptions | undefined;
  /**
   * What `broker.store` says in `forRoot`: it decides what the container holds. A store that only the factory names must find
   * in the container what it needs (`TypeOrmModule.forFeature(brokerEntities)`).
   */
  store?: BrokerStoreChoice | undefined;
}

/** The options, for one identity provider or for several. */
export type OidcAuthModuleOptions = OidcAuthOptions | SeveralProvidersOptions;

/** What a factory of `forRootAsync` returns; `routes` stands beside the factory. */
export type OidcAuthFactoryOptions =
  Omit<OidcAuthOptions, 'routes'> | Omit<SeveralProvidersOptions, 'routes'>;

const registrationDefaults: OidcAuthRegistration = { isGlobal: true, routes: {}, store: undefined };

/** The names of what stands beside a factory. */
export const registrationNames: readonly string[] = Object.keys(registrationDefaults);

function mayFormPost(options: Record<string, unknown>): boolean {
  const { providers, responseMode } = options;
  if (typeof providers === 'function') return true;
  const entries = isRecord(providers) ? Object.values(providers) : [{ responseMode }];
  return entries.some((entry) => isRecord(entry) && entry['responseMode'] === 'form_post');
}

/** `forRoot` has the options at hand; what a factory will say nobody knows yet. */
function demandsOf({ providers = [] }: DynamicModule): RouteDemands {
  const given = providers.find(
    (one) => 'provide' in one && one.provide === OIDC_AUTH_OPTIONS && 'useValue' in one,
  );
  const options: unknown = given !== undefined && 'useValue' in given ? given.useValue : undefined;
  if (!isRecord(options)) return { sessions: true, formPost: true };
  return { sessions: options['session'] !== undefined, formPost: mayFormPost(options) };
}

function register(
  definition: DynamicModule,
  { isGlobal, routes, store }: OidcAuthRegistration,
): DynamicModule {
  const resolved = resolveRoutes(routes, demandsOf(definition));
  return {
    ...definition,
    global: isGlobal ?? true,
    imports: [...(definition.imports ?? []), ...(storeDefinition(store)?.imports ?? [])],
    controllers: [...createControllers(resolved).values()],
    providers: [
      ...(definition.providers ?? []),
      { provide: RESOLVED_ROUTES, useValue: resolved },
      { provide: BROKER_STORE, useValue: store },
    ],
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
