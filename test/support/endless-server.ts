import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { onTestFinished } from 'vitest';

const script = `
  const { createServer } = require('node:http');
  const chunk = Buffer.alloc(65536, ' ');
  const server = createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const send = () => { while (!response.destroyed && response.write(chunk)); };
    response.on('drain', send);
    send();
  });
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));
`;

/**
 * Starts a server whose every answer never ends, and tells its origin. It is a process of its own, so that its memory
 * is not taken for that of the reader; it ends with the test.
 */
export async function startEndlessServer(): Promise<string> {
  const server = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => {
    server.kill();
  });
  const [port]: unknown[] = await once(server.stdout, 'data');
  return `http://127.0.0.1:${String(port).trim()}`;
}
