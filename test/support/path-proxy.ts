import {
  createServer,
  request as send,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { once } from 'node:events';

import { portOf } from './listening-port.js';

/** A reverse proxy before several applications under one host: it takes their path away, as `location /console/` of nginx does. */
export interface PathProxy {
  /** `http://localhost:PORT` */
  readonly url: string;
  /** What begins with this path goes to that server, without it. */
  mount(path: string, server: string): void;
  close(): Promise<void>;
}

export async function startPathProxy(): Promise<PathProxy> {
  const servers = new Map<string, string>();
  const server = createServer((incoming, outgoing) => {
    const target = incoming.url ?? '/';
    const path = [...servers.keys()].find((one) => `${target}/`.startsWith(`${one}/`));
    if (path === undefined) outgoing.writeHead(404).end();
    else forward(incoming, outgoing, (servers.get(path) ?? '') + target.slice(path.length));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    url: `http://localhost:${portOf(server)}`,
    mount: (path, url) => void servers.set(path, url),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function forward(incoming: IncomingMessage, outgoing: ServerResponse, url: string): void {
  const { method = 'GET', headers } = incoming;
  const upstream = send(url, { method, headers, family: 4 }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
    answer.pipe(outgoing);
  });
  upstream.on('error', () => outgoing.writeHead(502).end());
  incoming.pipe(upstream);
}
