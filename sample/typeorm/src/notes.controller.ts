import { Body, Controller, Get, Post } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Auth, IdToken, type IdTokenClaims } from 'nestjs-oidc-auth';
import type { Repository } from 'typeorm';

import { type Note, noteEntity } from './note.entity.js';

const ownerOf = ({ iss, sub }: IdTokenClaims): string => `${iss} ${sub}`;

@Controller('api/notes')
@Auth()
export class NotesController {
  constructor(@InjectRepository(noteEntity) private readonly notes: Repository<Note>) {}

  @Get()
  async mine(@IdToken() token: IdTokenClaims) {
    const notes = await this.notes.find({ where: { owner: ownerOf(token) }, order: { id: 'ASC' } });
    return notes.map(({ text }) => text);
  }

  @Post()
  async add(@IdToken() token: IdTokenClaims, @Body() { text }: { text?: unknown }) {
    const note = await this.notes.save({
      owner: ownerOf(token),
      text: String(text).slice(0, 1000),
    });
    return { id: note.id };
  }
}
