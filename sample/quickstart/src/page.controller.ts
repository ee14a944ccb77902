import { Controller, Get, Header, Inject } from '@nestjs/common';

import { escapeHtml } from './html.js';
import { icon, indexHtml, pageScript, styleSheet } from './public-files.js';

export const PUBLIC_URL = Symbol('PUBLIC_URL');

const contentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The page, and the three files that it loads. */
@Controller()
export class PageController {
  private readonly page: string;

  constructor(@Inject(PUBLIC_URL) publicUrl: string) {
    this.page = indexHtml.replaceAll('{{publicUrl}}', escapeHtml(publicUrl));
  }

  @Get()
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Header('Content-Security-Policy', contentSecurityPolicy)
  @Header('Referrer-Policy', 'no-referrer') // the address holds the code when a login comes back
  @Header('X-Content-Type-Options', 'nosniff')
  @Header('Cache-Control', 'no-store')
  index(): string {
    return this.page;
  }

  @Get('page.js')
  @Header('Content-Type', 'text/javascript; charset=utf-8')
  @Header('X-Content-Type-Options', 'nosniff')
  @Header('Cache-Control', 'no-cache')
  script(): string {
    return pageScript;
  }

  @Get('style.css')
  @Header('Content-Type', 'text/css; charset=utf-8')
  @Header('X-Content-Type-Options', 'nosniff')
  @Header('Cache-Control', 'no-cache')
  style(): string {
    return styleSheet;
  }

  @Get('icon.svg')
  @Header('Content-Type', 'image/svg+xml')
  @Header('X-Content-Type-Options', 'nosniff')
  @Header('Cache-Control', 'no-cache')
  icon(): string {
    return icon;
  }
}
