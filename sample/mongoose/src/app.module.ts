import { type DynamicModule, Module } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import { OidcAuthModule } from 'nestjs-oidc-auth';
import { MongooseBrokerStore } from 'nestjs-oidc-auth/mongoose';

import { Note, noteSchema } from './note.schema.js';
import { NotesController } from './notes.controller.js';
import type { Settings } from './settings.js';

@Module({})
export class AppModule {
  static forRoot(settings: Settings): DynamicModule {
    return {
      module: AppModule,
      imports: [
        MongooseModule.forRoot(settings.mongodbUrl),
        MongooseModule.forFeature([{ name: Note.name, schema: noteSchema }]),
        OidcAuthModule.forRoot({
          clientId: settings.clientId,
          clientSecret: settings.clientSecret,
          discoveryUrl: settings.discoveryUrl,
          audience: 'my-aud',
          publicUrl: `http://localhost:${settings.port}`,
          routes: { prefix: '/api' },
          encryptionKeys: [settings.encryptionKey],
          broker: { audience: 'notes-api', store: MongooseBrokerStore },
        }),
      ],
      controllers: [NotesController],
    };
  }
}
