import { Module } from '@nestjs/common';
import { OidcAuthModule } from 'nestjs-oidc-auth';
import { AppController } from './app.controller.js';
import { AppService } from './app.service.js';
import { OrdersController } from './orders.controller.js';

@Module({
  imports: [
    OidcAuthModule.forRootAsync({
      useFactory: () => ({
        clientId: 'my-client',
        clientSecret:
          process.env['OIDC_CLIENT_SECRET'] ?? 'client-secret-of-at-least-32-characters',
        discoveryUrl:
          process.env['OIDC_DISCOVERY_URL'] ??
          'https://idp.example.org/.well-known/openid-configuration',
        audience: 'my-aud',
        publicUrl: 'http://localhost:3000',
      }),
    }),
  ],
  controllers: [AppController, OrdersController],
  providers: [AppService],
})
export class AppModule {}
