import { once } from 'node:events';
import type { Server } from 'node:http';
import { connect } from 'node:net';

/** Loopback only: nothing in this sample is meant for other machines. */
export const host = '127.0.0.1';

/** A sentence for the person at the terminal, to be printed without a stack. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

/** A port, and the environment variable that chooses it. */
export interface ChosenPort {
  port: number;
  variable: string;
}

/** Asks by connecting: a program on `::1` alone would not stop us, but get the requests for `localhost`. */
export async function assertFree(chosen: ChosenPort): Promise<void> {
  const socket = connect({ port: chosen.port, host: 'localhost' });
  try {
    await once(socket, 'connect');
  } catch {
    return;
  } finally {
    socket.destroy();
  }
  throw portTaken(chosen);
}

/** Turns the reasons why a program may not listen on a port into a sentence. */
export function explain(error: unknown, chosen: ChosenPort): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') return portTaken(chosen);
  if (code !== 'EACCES') return error;
  const { port, variable } = chosen;
  return new StartError(`You may not listen on port ${port}. Set ${variable} to one above 1023.`);
}

function portTaken({ port, variable }: ChosenPort): StartError {
  const other = port < 65000 ? port + 100 : port - 100;
  return new StartError(
    `Port ${port} is taken by another program. Choose a free one with the variable ${variable}, ` +
      `for example: ${variable}=${other} npm start`,
  );
}

export async function listen(server: Server, port: number): Promise<void> {
  server.listen(port, host);
  await once(server, 'listening');
}

export async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections(); // browsers keep theirs open
  await closed;
}
