import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';

import { refusalPage } from './views.js';

/** The response of Express, as far as it is needed here. */
interface Response {
  status(code: number): { type(name: string): { send(body: string): void } };
}

const words: Readonly<Record<number, string>> = {
  401: 'You are not logged in here any more, and nothing was changed. Log in and send it once more.',
  403: 'This request came from another site, or you may not do that. Nothing was changed.',
};

/** A page instead of JSON, for people whose form was refused. */
@Catch(HttpException)
export class RefusalPage implements ExceptionFilter<HttpException> {
  catch(refusal: HttpException, host: ArgumentsHost): void {
    const status = refusal.getStatus();
    const page = refusalPage(words[status] ?? `That did not work (${status}).`);
    host.switchToHttp().getResponse<Response>().status(status).type('html').send(page);
  }
}
