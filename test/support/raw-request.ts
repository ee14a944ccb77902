import { once } from 'node:events';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';

import { noteAnswer } from './server-errors.js';

/** An answer as it came over the wire. */
export interface RawReply {
  readonly status: number;
  /** Header lines, in order and as they were written. */
  readonly lines: readonly string[];
  /** The first value of a header. */
  readonly header: (name: string) => string | undefined;
  /** Chunks are not put together; short bodies come in one. */
  readonly body: string;
}

/**
 * Sends lines over a socket as they are, for what no client library sends: two equal headers in a row, odd
 * request targets, bodies that never end. `Host` and `Connection: close` are added.
 *
 * @example `await rawRequest(app.url, ['GET /me HTTP/1.1', 'Authorization: Bearer a', 'Authorization: Bearer b'])`
 */
export async function rawRequest(
  origin: string,
  [start = '', ...headers]: readonly string[],
  body: string | Buffer = '',
): Promise<RawReply> {
  const { port, host } = new URL(origin);
  const socket = connect(Number(port), '127.0.0.1');
  await once(socket, 'connect');
  const named = headers.some((line) => line.toLowerCase().startsWith('host:'));
  const all = [start, ...(named ? [] : [`Host: ${host}`]), 'Connection: close', ...headers];
  socket.write(`${all.join('\r\n')}\r\n\r\n`);
  socket.write(body);

  const text = (await buffer(socket)).toString();
  const end = text.indexOf('\r\n\r\n');
  const [first = '', ...lines] = text.slice(0, end).split('\r\n');
  const status = Number(first.split(' ')[1]);
  noteAnswer(start.split(' ')[0] ?? '', new URL(origin), status);
  return {
    status,
    lines,
    header: (name) => {
      const line = lines.find((one) => one.toLowerCase().startsWith(`${name.toLowerCase()}:`));
      return line?.slice(name.length + 1).trim();
    },
    body: text.slice(end + 4),
  };
}
