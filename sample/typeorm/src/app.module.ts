import { type DynamicModule, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { OidcAuthModule } from 'nestjs-oidc-auth';
import { TypeOrmBrokerStore } from 'nestjs-oidc-auth/typeorm';

import { databaseOptions } from './data-source.js';
import { noteEntity } from './note.entity.js';
import { NotesController } from './notes.controller.js';
import type { Settings } from './settings.js';

@Module({})
export class AppModule {
  static forRoot(settings: Settings): DynamicModule {
    return {
      module: AppModule,
      imports: [
        TypeOrmModule.forRoot({ ...databaseOptions(settings.databaseUrl), retryAttempts: 3 }),
        TypeOrmModule.forFeature([noteEntity]),
        OidcAuthModule.forRoot({
          clientId: settings.clientId,
          clientSecret: settings.clientSecret,
          discoveryUrl: settings.discoveryUrl,
          audience: 'my-aud',
          publicUrl: `http://localhost:${settings.port}`,
          routes: { prefix: '/api' },
          encryptionKeys: [settings.encryptionKey],
          broker: { audience: 'notes-api', store: TypeOrmBrokerStore },
        }),
      ],
      controllers: [NotesController],
    };
  }
}
