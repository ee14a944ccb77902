import { Module, type OnModuleInit, type Type } from '@nestjs/common';
import {
  ApplicationConfig,
  DiscoveryModule,
  DiscoveryService,
  ModulesContainer,
} from '@nestjs/core';
import { OidcConfigError } from '../errors/oidc-config.error.js';
import { CallContexts } from '../guard/call-contexts.js';
import { effectiveRule } from '../guard/declared-rules.js';
import { LiveCalls } from '../guard/live-calls.js';
import { isRecord } from '../options/value-rules.js';
import { graphqlContext } from './graphql-context.js';
import { LiveSubscriptionsInterceptor } from './live-subscriptions.interceptor.js';

// Names of @nestjs/graphql: its options in the container, and its mark on field resolvers. Importing the package for two words would make
// its types, and those of all that it may be used with, a matter of ours.
const GRAPHQL_MODULE_OPTIONS = 'GqlModuleOptions';
const RESOLVER_PROPERTY_METADATA = 'graphql:resolve_property';

/**
 * Makes `@Auth()`, `@Public()`, `@IdToken()` and an application-wide {@link AuthGuard} work on GraphQL resolvers (Apollo and Mercurius). Import it
 * beside `OidcAuthModule` and `GraphQLModule`. Refusals are GraphQL errors with `extensions.code` `UNAUTHENTICATED` or `FORBIDDEN` and the
 * contract's error body in `extensions.oauth`; subscriptions end with their token.
 */
@Module({ imports: [DiscoveryModule] })
export class OidcGraphqlModule implements OnModuleInit {
  constructor(
    contexts: CallContexts,
    live: LiveCalls,
    application: ApplicationConfig,
    private readonly discovery: DiscoveryService,
    private readonly modules: ModulesContainer,
  ) {
    contexts.add('graphql', graphqlContext);
    application.addGlobalInterceptor(new LiveSubscriptionsInterceptor(live));
  }

  /** @throws {@link OidcConfigError} for `@Auth()` where Nest would run no guard. */
  onModuleInit(): void {
    if (this.#guardsFields()) return;
    for (const { metatype } of this.discovery.getProviders()) {
      const field = typeof metatype === 'function' ? guardedField(metatype) : undefined;
      if (field === undefined) continue;
      throw new OidcConfigError(
        `@Auth() is on the field resolver ${field} or on its class, and GraphQLModule runs no guards on fields: everybody could read it. ` +
          "Set GraphQLModule.forRoot({ …, fieldResolverEnhancers: ['guards'] }), or guard the queries that lead to it and say @Public() on the field.",
      );
    }
  }

  #guardsFields(): boolean {
    const options = [...this.modules.values()].flatMap((module): unknown[] => {
      const wrapper = module.providers.get(GRAPHQL_MODULE_OPTIONS);
      return wrapper === undefined ? [] : [wrapper.instance];
    });
    return options.every((one) => {
      const enhancers = isRecord(one) ? one['fieldResolverEnhancers'] : undefined;
      return Array.isArray(enhancers) && enhancers.includes('guards');
    });
  }
}

/** The first field resolver of a class that some rule holds for, its own or its class's, as `Class.method`. */
function guardedField(type: Type | Function): string | undefined {
  const prototype: unknown = type.prototype;
  for (
    let one: unknown = prototype;
    isRecord(one) && one !== Object.prototype;
    one = Object.getPrototypeOf(one)
  ) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(one))) {
      if (
        typeof value !== 'function' ||
        Reflect.getMetadata(RESOLVER_PROPERTY_METADATA, value) !== true
      )
        continue;
      const rule = effectiveRule(value, type);
      if (rule !== undefined && rule !== 'public') return `${type.name}.${name}`;
    }
  }
  return undefined;
}
