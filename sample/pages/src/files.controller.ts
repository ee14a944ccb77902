import { Controller, Get, Header } from '@nestjs/common';
import { icon, styleSheet } from 'quickstart/public-files.js';

/** The look of the quickstart. */
@Controller()
export class FilesController {
  @Get('style.css')
  @Header('Content-Type', 'text/css; charset=utf-8')
  style(): string {
    return styleSheet;
  }

  @Get('icon.svg')
  @Header('Content-Type', 'image/svg+xml')
  icon(): string {
    return icon;
  }
}
