import { Logger } from '@nestjs/common';

/** Nest's logger for the lines of this module. A logger of the host's that throws disturbs nobody, and is told once. */
export class SafeLogger {
  readonly #logger = new Logger('OidcAuth');
  #told = false;

  /** @param stack is shown behind the line. */
  error(line: string, stack?: string): void {
    this.#write(() => {
      if (stack === undefined) this.#logger.error(line);
      else this.#logger.error(line, stack);
    });
  }

  warn(line: string): void {
    this.#write(() => this.#logger.warn(line));
  }

  log(line: string): void {
    this.#write(() => this.#logger.log(line));
  }

  debug(line: string): void {
    this.#write(() => this.#logger.debug(line));
  }

  #write(write: () => void): void {
    try {
      write();
    } catch (error) {
      if (this.#told) return;
      this.#told = true;
      process.emitWarning(error instanceof Error ? error : String(error));
    }
  }
}
