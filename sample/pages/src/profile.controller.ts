import {
  BadRequestException,
  Body,
  Controller,
  Get,
  Header,
  Post,
  Redirect,
  UseFilters,
} from '@nestjs/common';
import { Auth, IdToken, type IdTokenClaims } from 'nestjs-oidc-auth';

import { RefusalPage } from './refusal-page.filter.js';
import { profilePage, recoveryPage } from './views.js';

const LONGEST_NOTE = 200;

@Controller('profile')
@UseFilters(RefusalPage)
export class ProfileController {
  private readonly notes = new Map<string, string>();

  /** Whoever is not logged in is sent to log in, and back here. */
  @Get()
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Auth({ onUnauthenticated: 'login' })
  profile(@IdToken() claims: IdTokenClaims): string {
    return profilePage(claims, this.notes.get(claims.sub) ?? '');
  }

  /** Whoever has not logged in within the last minute does so once more, and comes back. */
  @Get('recovery-code')
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Auth({ onUnauthenticated: 'login', maxAgeSec: 60 })
  recoveryCode(@IdToken() claims: IdTokenClaims): string {
    return recoveryPage(claims, 'K7QF-2M9X');
  }

  /** The guard refuses forms of other sites by `Sec-Fetch-Site` and `Origin`: the form needs no token against them. */
  @Post()
  @Redirect('/profile', 303)
  @Auth()
  change(@IdToken('sub') sub: string, @Body('note') note: unknown): void {
    if (typeof note !== 'string' || note.length > LONGEST_NOTE) throw new BadRequestException();
    this.notes.set(sub, note);
  }
}
