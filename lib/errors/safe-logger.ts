import { Logger } from '@nestjs/common';

type Level = 'error' | 'warn' | 'log' | 'debug';

/** Nest's logger for the lines of this module. A logger of the host's that throws disturbs no request. */
export class SafeLogger {
  readonly #logger = new Logger('OidcAuth');
  #told = false;

  /** @param stack shown behind the line, at the level `error` only. */
  write(level: Level, line: string, stack?: string): void {
    try {
      if (level === 'error' && stack !== undefined) this.#logger.error(line, stack);
      else this.#logger[level](line);
    } catch (error) {
      if (this.#told) return;
      this.#told = true;
      process.emitWarning(error instanceof Error ? error : String(error));
    }
  }
}
