import { inspect } from 'node:util';
import { HIDDEN, withoutCredentials } from './credentials.js';
import { printable } from './printable.js';

const LONGEST_MESSAGE = 2000;
const LONGEST_FRAME = 500;
const MOST_FRAMES = 50;
const MOST_CAUSES = 5;
/** An exception of somebody else's, to be written as it is. */
export interface WholeError {
  /** Name and message, and those of the causes. */
  readonly message: string;
  /** Where each of them was thrown; `undefined` for what is no error. */
  readonly stack: string | undefined;
}

function safe(text: string, longest: number, secrets: readonly string[]): string {
  const cut = text.slice(0, 2 * longest); // more than is shown, so that nothing half cut is missed
  const known = secrets.reduce((left, secret) => left.replaceAll(secret, HIDDEN), cut);
  return printable(withoutCredentials(known), longest);
}

function framesOf({ stack = '', message }: Error): string[] {
  const start = stack.indexOf(message);
  const lines = (start === -1 ? stack : stack.slice(start + message.length)).split('\n');
  return lines.filter((line) => /^\s+at /.test(line)).slice(0, MOST_FRAMES);
}

function shown(thrown: unknown): string {
  if (typeof thrown === 'string') return thrown;
  try {
    return inspect(thrown, { depth: 2, breakLength: Infinity });
  } catch {
    return typeof thrown;
  }
}

function chainOf(error: Error): Error[] {
  const chain = [error];
  let { cause } = error;
  while (cause instanceof Error && chain.length < MOST_CAUSES) {
    chain.push(cause);
    cause = cause.cause;
  }
  return chain;
}

/**
 * What somebody else's function threw, whole: name, message and stack, of its causes too. For exceptions of the host's own
 * functions; those of libraries may hold tokens, and of them `describeError` says less.
 *
 * @param secrets what must not be shown, beside everything that looks like a credential.
 */
export function wholeError(thrown: unknown, secrets: readonly string[] = []): WholeError {
  if (!(thrown instanceof Error)) {
    return { message: safe(shown(thrown), LONGEST_MESSAGE, secrets), stack: undefined };
  }
  const chain = chainOf(thrown).map((error) => ({
    said: safe(`${error.name}: ${error.message}`, LONGEST_MESSAGE, secrets),
    frames: framesOf(error).map((frame) => safe(frame, LONGEST_FRAME, secrets)),
  }));
  return {
    message: chain.map(({ said }) => said).join(' <- '),
    stack: chain.map(({ said, frames }) => [said, ...frames].join('\n')).join('\n'),
  };
}
