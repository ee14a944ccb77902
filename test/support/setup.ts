import { ConsoleLogger, Logger } from '@nestjs/common';
import { afterAll, afterEach, beforeEach, vi } from 'vitest';

import { forgetSecrets } from './canary-secrets.js';
import {
  capturedLogs,
  clearCapturedLogs,
  installOutputCapture,
  showLines,
} from './output-capture.js';
import { takeViolations, watchUnhandledRejections } from './violations.js';

installOutputCapture();
watchUnhandledRejections();

/** What Nest says about every application it starts. */
const startUpNoise = /\[(?:InstanceLoader|RoutesResolver|RouterExplorer|NestFactory)\]/;

let linesBefore = 0;

beforeEach(() => {
  linesBefore = capturedLogs().length;
});

afterEach(async ({ task }) => {
  const violations = await takeViolations();
  const failed = task.result?.state === 'fail' || violations.length > 0;
  const output = capturedLogs()
    .slice(linesBefore)
    .filter((line) => !startUpNoise.test(line));

  if (failed && output.length > 0) showLines(['Captured output:', ...output]);
  if (violations.length > 0) throw new Error(violations.join('\n'));
});

/** The last of a file's hooks: what its own left behind, and nothing for the file that this process runs next. */
afterAll(async () => {
  const violations = await takeViolations();
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  Logger.overrideLogger(new ConsoleLogger()); // Nest's testing module leaves one that says little
  clearCapturedLogs();
  forgetSecrets();
  if (violations.length > 0) throw new Error(violations.join('\n'));
});
