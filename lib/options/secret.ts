import { inspect } from 'node:util';
import { deflateRawSync } from 'node:zlib';

/** What is left of 32 random hexadecimal digits when they are compressed is 29 bytes and more. */
const LEAST_COMPRESSED_BYTES = 16;

/** Whether a text holds so little beside repetitions of itself that it could be guessed, however long it is. */
export function repeatsItself(text: string): boolean {
  const least = Math.max(LEAST_COMPRESSED_BYTES, text.length / 100);
  return deflateRawSync(text).byteLength < least;
}

/** A value that does not show itself: not in `JSON.stringify`, not in `util.inspect`, not in a template string. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '[hidden]';
  }

  toJSON(): string {
    return '[hidden]';
  }

  [inspect.custom](): string {
    return '[hidden]';
  }
}
