import { inspect } from 'node:util';

import { ConsoleLogger, type LogLevel } from '@nestjs/common';

import { recordOutput } from './output-capture.js';

const levels: LogLevel[] = ['verbose', 'debug', 'log', 'warn', 'error', 'fatal'];

/**
 * Nest's console logger at every level, without colours. What it is given is also recorded in full depth,
 * since a host's logger may write out more of an object than Nest's does.
 */
export class RecordingLogger extends ConsoleLogger {
  constructor() {
    super({ logLevels: levels, colors: false });
  }

  protected override printMessages(
    ...args: Parameters<ConsoleLogger['printMessages']>
  ): ReturnType<ConsoleLogger['printMessages']> {
    const [messages, , , , stack, params] = args;
    for (const value of [...messages, stack, params]) {
      if (typeof value === 'object' && value !== null) recordOutput(inspect(value, { depth: 10 }));
    }
    super.printMessages(...args);
  }
}
