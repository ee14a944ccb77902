import { Body, Controller, Get, Post } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { Auth, IdToken, type IdTokenClaims } from 'nestjs-oidc-auth';

import { Note } from './note.schema.js';

const ownerOf = ({ iss, sub }: IdTokenClaims): string => `${iss} ${sub}`;

@Controller('api/notes')
@Auth()
export class NotesController {
  constructor(@InjectModel(Note.name) private readonly notes: Model<Note>) {}

  @Get()
  async mine(@IdToken() token: IdTokenClaims) {
    const notes = await this.notes.find({ owner: ownerOf(token) });
    return notes.map(({ text }) => text);
  }

  @Post()
  async add(@IdToken() token: IdTokenClaims, @Body() { text }: { text?: unknown }) {
    const note = await this.notes.create({
      owner: ownerOf(token),
      text: String(text).slice(0, 1000),
    });
    return { id: note.id };
  }
}
