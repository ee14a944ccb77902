import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { type DynamicModule, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { GraphQLModule } from '@nestjs/graphql';
import { AuthGuard, OidcAuthModule, type OidcAuthOptions } from 'nestjs-oidc-auth';
import { OidcGraphqlModule } from 'nestjs-oidc-auth/graphql';

import { OrderFeed } from './order-feed.js';
import { OrdersResolver, typeDefs } from './orders.resolver.js';

@Module({})
export class AppModule {
  static forRoot(options: OidcAuthOptions): DynamicModule {
    return {
      module: AppModule,
      imports: [
        OidcAuthModule.forRoot(options),
        GraphQLModule.forRoot<ApolloDriverConfig>({
          driver: ApolloDriver,
          typeDefs,
          subscriptions: { 'graphql-ws': true },
        }),
        OidcGraphqlModule,
      ],
      providers: [OrderFeed, OrdersResolver, { provide: APP_GUARD, useExisting: AuthGuard }],
    };
  }
}
