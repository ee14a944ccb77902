import { secretsIn } from './canary-secrets.js';
import { takeUncheckedOutput } from './output-capture.js';
import { linkFaults } from './page-links.js';
import { takeServerErrors } from './server-errors.js';

const cleanPrototype = new Set(Reflect.ownKeys(Object.prototype));
const rejections: string[] = [];

let watching = false;

/** Begins to note rejected promises that nobody handles. */
export function watchUnhandledRejections(): void {
  if (watching) return;
  watching = true;
  process.on('unhandledRejection', (reason) => {
    rejections.push(reason instanceof Error ? (reason.stack ?? reason.message) : String(reason));
  });
}

/**
 * What no test may leave behind, since the last call: an unhandled rejection, a changed
 * `Object.prototype`, a secret in the output, a line of the log that leads nowhere, an answer 500. Each is one sentence.
 */
export async function takeViolations(): Promise<string[]> {
  await new Promise((resolve) => setImmediate(resolve)); // rejections are reported at the end of a turn

  return [
    ...rejections.splice(0).map((reason) => `Nobody handled a rejection: ${reason}`),
    ...takePollution().map((key) => `Object.prototype got the property ${key}`),
    ...takeUncheckedOutput().flatMap((line) => [...leaksOf(line), ...linkFaults(line)]),
    ...takeServerErrors().map((request) => `The application answered 500 to ${request}`),
  ];
}

function takePollution(): string[] {
  const added = Reflect.ownKeys(Object.prototype).filter((key) => !cleanPrototype.has(key));
  for (const key of added) Reflect.deleteProperty(Object.prototype, key);
  return added.map(String);
}

function leaksOf(line: string): string[] {
  return secretsIn(line).map((secret) => `The output holds a ${secret}: ${line.slice(0, 300)}`);
}
