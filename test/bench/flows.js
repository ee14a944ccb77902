// What clients of broker mode do one after another: log in, refresh, log out. A process of its own, with as many callers at once as it is told.
import { Agent, request } from 'node:http';
import { performance } from 'node:perf_hooks';

const REDIRECT = 'http://localhost:53100/callback';
const agent = new Agent({ keepAlive: true });

/** Status, headers and text of the answer. */
function send(port, path, { form, cookie } = {}) {
  return new Promise((resolve, reject) => {
    const body = form && new URLSearchParams(form).toString();
    const headers = {
      ...(cookie === undefined ? {} : { Cookie: cookie }),
      ...(body === undefined
        ? {}
        : {
            'Content-Type': 'application/x-www-form-urlencoded',
            'Content-Length': Buffer.byteLength(body),
          }),
    };
    const method = body === undefined ? 'GET' : 'POST';
    const outgoing = request(
      { port, host: '127.0.0.1', path, method, headers, agent },
      (incoming) => {
        let text = '';
        incoming.setEncoding('utf8');
        incoming.on('data', (chunk) => (text += chunk));
        incoming.on('end', () =>
          resolve({ status: incoming.statusCode, headers: incoming.headers, text }),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function expectStatus(reply, wanted) {
  if (reply.status !== wanted) throw new Error(`${reply.status} ${reply.text.slice(0, 300)}`);
  return reply;
}

let users = 0;

/** Goes to the login route, and gives what the provider sends back. */
async function begun(port, query) {
  const path = `/auth/v2/login?${new URLSearchParams(query)}`;
  const { headers, status, text } = await send(port, path);
  if (headers.location === undefined) throw new Error(`${status} ${text}`);
  const asked = new URL(headers.location).searchParams;
  users += 1;
  const user = `user-${process.pid}-${users}`;
  const code = JSON.stringify({ nonce: asked.get('nonce'), user });
  const cookies = (headers['set-cookie'] ?? []).map((one) => one.split(';')[0]).join('; ');
  return {
    code: Buffer.from(code).toString('base64url'),
    state: asked.get('state') ?? '',
    cookies,
  };
}

const tokensOf = (reply) => {
  const { access_token: access, refresh_token: refresh } = JSON.parse(reply.text);
  return { access, refresh };
};

const flows = {
  /** A new session. */
  async login(port) {
    const { code, state } = await begun(port, { redirect_uri: REDIRECT });
    const form = {
      grant_type: 'authorization_code',
      code,
      redirect_uri: REDIRECT,
      code_verifier: state.slice(state.lastIndexOf('|') + 1),
    };
    return tokensOf(expectStatus(await send(port, '/auth/v2/token', { form }), 200));
  },
  /** A new session of a browser: its cookie. */
  async browser(port) {
    const { code, state, cookies } = await begun(port, { return_to: '/me' });
    const path = `/auth/v2/callback?${new URLSearchParams({ code, state })}`;
    const reply = expectStatus(await send(port, path, { cookie: cookies }), 303);
    const cookie = reply.headers['set-cookie']?.find((one) => one.startsWith('oidc-session='));
    if (cookie === undefined) throw new Error('The login brought no cookie');
    return { cookie: cookie.split(';')[0] };
  },
  async refresh(port, { refresh: refresh_token }) {
    const form = { grant_type: 'refresh_token', refresh_token };
    return tokensOf(expectStatus(await send(port, '/auth/v2/token', { form }), 200));
  },
  async revoke(port, { refresh: token }) {
    expectStatus(await send(port, '/auth/v2/revoke', { form: { token } }), 200);
    return {};
  },
};

function quantile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** So many callers, each to the next server, until there are enough or the time is over. What one of them holds no other uses. */
async function run({ flow, ports, callers, most = Infinity, seconds = Infinity, held = [] }) {
  const waits = [];
  const free = [...held];
  const gained = [];
  let begunFlows = 0;
  const beganAt = performance.now();
  const caller = async () => {
    while (begunFlows < most && performance.now() - beganAt < seconds * 1000) {
      const one = free.shift();
      if (one === undefined && held.length > 0) return;
      const port = ports[begunFlows % ports.length];
      begunFlows += 1;
      const sentAt = performance.now();
      const next = await flows[flow](port, one);
      waits.push(performance.now() - sentAt);
      if (flow === 'refresh') free.push(next);
      else gained.push(next);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  const tookSec = (performance.now() - beganAt) / 1000;
  const sorted = waits.toSorted((one, other) => one - other);
  return {
    done: waits.length,
    perSecond: waits.length / tookSec,
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    held: flow === 'refresh' ? free : gained,
  };
}

process.on('disconnect', () => process.exit(0));
process.on('message', (order) => {
  run(order).then(
    (results) => process.send({ results }),
    (error) => process.send({ error: String(error?.stack ?? error) }),
  );
});
