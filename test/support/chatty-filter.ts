import { inspect } from 'node:util';

import { Catch, Logger, type ArgumentsHost, type INestApplication } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';

/** As hosts do who want to see everything: each exception as object, in full depth and as JSON. */
@Catch()
class ChattyFilter extends BaseExceptionFilter {
  override catch(exception: unknown, host: ArgumentsHost): void {
    const logger = new Logger('Host');
    logger.error(exception);
    logger.error(inspect(exception, { depth: Infinity, showHidden: true }));
    logger.error(JSON.stringify(exception));
    Reflect.apply(super.catch.bind(this), this, [exception, host]);
  }
}

/** Makes an application log every exception in full. For {@link AppOptions.configure}. */
export function logEveryException(app: INestApplication): void {
  app.useGlobalFilters(new ChattyFilter(app.getHttpAdapter()));
}
