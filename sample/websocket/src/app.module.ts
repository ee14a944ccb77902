import { type DynamicModule, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AuthGuard, OidcAuthModule, type OidcAuthOptions } from 'nestjs-oidc-auth';
import { OidcWebsocketsModule } from 'nestjs-oidc-auth/websockets';

import { ChatGateway } from './chat.gateway.js';
import { PageController } from './page.controller.js';

@Module({})
export class AppModule {
  static forRoot(options: OidcAuthOptions): DynamicModule {
    return {
      module: AppModule,
      imports: [OidcAuthModule.forRoot(options), OidcWebsocketsModule],
      controllers: [PageController],
      providers: [ChatGateway, { provide: APP_GUARD, useExisting: AuthGuard }],
    };
  }
}
