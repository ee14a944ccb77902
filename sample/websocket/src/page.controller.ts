import { Controller, Get, Header } from '@nestjs/common';
import { Public } from 'nestjs-oidc-auth';

/** socket.io serves its own client beside its server. */
const page = `<!doctype html>
<title>Chat</title>
<p>Paste an access token (the terminal says how to get one): <input id="token"> <button id="connect">Connect</button></p>
<p><input id="text"> <button id="say">Say</button> <button id="clear">Clear</button></p>
<pre id="log"></pre>
<script src="/socket.io/socket.io.js"></script>
<script>
  const at = (id) => document.getElementById(id);
  const log = (...line) => (at('log').textContent += line.join(' ') + '\\n');
  let socket;
  at('connect').onclick = () => {
    socket?.disconnect();
    socket = io({ auth: { token: at('token').value }, reconnection: false });
    socket.on('connect', () => log('connected'));
    socket.on('connect_error', (error) => log('refused:', error.message));
    socket.on('disconnect', (reason) => log('ended:', reason));
    socket.onAny((event, data) => log(event, JSON.stringify(data)));
  };
  at('say').onclick = () => socket?.emit('say', at('text').value);
  at('clear').onclick = () => socket?.emit('clear', {});
</script>
`;

@Controller()
export class PageController {
  @Get()
  @Public()
  @Header('Content-Type', 'text/html; charset=utf-8')
  page(): string {
    return page;
  }
}
