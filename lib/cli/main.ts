#!/usr/bin/env node
import { Logger } from '@nestjs/common';
import { run } from './run.js';

Logger.overrideLogger(false); // what the module would log is part of what is found
process.exitCode = await run(process.argv.slice(2), process.env, (text) => {
  process.stdout.write(text);
});
