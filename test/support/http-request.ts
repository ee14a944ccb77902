import { lookup, type LookupAddress } from 'node:dns';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { LookupFunction } from 'node:net';
import { buffer } from 'node:stream/consumers';

import { registerIfSecret } from './canary-secrets.js';
import { noteAnswer } from './server-errors.js';

/** Header values; a list is sent as several lines of that name. */
export type RequestHeaders = Readonly<Record<string, string | readonly string[]>>;

export interface RequestOptions {
  /** Default: `POST` with a form or a body, else `GET`. */
  method?: string;
  headers?: RequestHeaders;
  /** Sent as `application/x-www-form-urlencoded`. */
  form?: Readonly<Record<string, string>> | URLSearchParams;
  /** Sent as it is. */
  body?: string | Buffer;
  /** Sent as `Authorization: Bearer …`. */
  bearer?: string;
  /** Where the connection goes, like curl's `--connect-to`: stands for DNS and a proxy that ends TLS. */
  connectTo?: string;
  /** @defaultValue `20000` */
  timeoutMs?: number;
}

/** An HTTP answer, read to its end. */
export class Reply {
  constructor(
    readonly url: URL,
    readonly status: number,
    readonly headers: Headers,
    private readonly content: Buffer,
  ) {}

  /** Where a redirect points, as an absolute URL. */
  get location(): URL | undefined {
    const location = this.headers.get('location');
    if (location === null || this.status < 300 || this.status > 399) return undefined;
    return new URL(location, this.url);
  }

  text(): string {
    return this.content.toString();
  }

  /** The body as a JSON object; anything else throws. */
  json(): Record<string, unknown> {
    const value: unknown = JSON.parse(this.text());
    if (typeof value !== 'object' || value === null) throw new Error('The body is no JSON object');
    return Object.fromEntries(Object.entries(value));
  }
}

/**
 * One HTTP request, without following redirects and without cookies. Unlike `fetch` it sends any header,
 * `Host`, `Sec-Fetch-Mode` and repeated ones included. Secrets in the answer become canaries.
 *
 * @example `await request(`${app.url}/auth/v2/token`, { form: { code, redirect_uri, code_verifier } })`
 */
export async function request(target: string | URL, options: RequestOptions = {}): Promise<Reply> {
  const url = new URL(target);
  const body = bodyOf(options);
  const method = options.method ?? (body === undefined ? 'GET' : 'POST');

  const headers = headersOf(options, body);
  const incoming = await exchange(peerOf(url, options), method, headers, body, options.timeoutMs);
  const content = await buffer(incoming);

  const reply = new Reply(url, incoming.statusCode ?? 0, headersFrom(incoming), content);
  registerSecretsOf(reply);
  noteAnswer(method, url, reply.status);
  return reply;
}

const LOOPBACK: LookupAddress = { address: '127.0.0.1', family: 4 };

/** Knows where `localhost` is: to ask the system each time takes as long as the whole request. */
const knownLookup: LookupFunction = (hostname, options, found) => {
  if (hostname !== 'localhost') lookup(hostname, options, found);
  else if (options.all === true) found(null, [LOOPBACK]);
  else found(null, LOOPBACK.address, LOOPBACK.family);
};

function exchange(
  url: URL,
  method: string,
  headers: Record<string, string | string[]>,
  body: string | Buffer | undefined,
  timeoutMs = 20_000,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const settings = { method, headers, signal, agent: false, lookup: knownLookup };
    const outgoing = httpRequest(url, settings, resolve);
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function peerOf(url: URL, { connectTo }: RequestOptions): URL {
  if (connectTo === undefined) return url;
  const { protocol, hostname, port } = new URL(connectTo);
  return Object.assign(new URL(url), { protocol, hostname, port });
}

function bodyOf({ form, body }: RequestOptions): string | Buffer | undefined {
  return form === undefined ? body : new URLSearchParams(form).toString();
}

function headersOf(
  { form, bearer, headers }: RequestOptions,
  body: string | Buffer | undefined,
): Record<string, string | string[]> {
  const own = Object.entries(headers ?? {}).map(([name, value]): [string, string | string[]] => [
    name,
    typeof value === 'string' ? value : [...value],
  ]);
  const chunked = own.some(([name]) => name.toLowerCase() === 'transfer-encoding');
  const length = body === undefined || chunked ? undefined : String(Buffer.byteLength(body));
  return {
    ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
    ...(length === undefined ? {} : { 'content-length': length }),
    ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
    ...Object.fromEntries(own),
  };
}

function headersFrom(incoming: IncomingMessage): Headers {
  const headers = new Headers();
  for (let at = 0; at < incoming.rawHeaders.length; at += 2) {
    headers.append(incoming.rawHeaders[at] ?? '', incoming.rawHeaders[at + 1] ?? '');
  }
  return headers;
}

const secretMembers = ['access_token', 'refresh_token', 'id_token', 'device_code'];

/** Login handles, codes, cookies and tokens: none of them may turn up in a log. */
function registerSecretsOf(reply: Reply): void {
  const query = reply.location?.searchParams;
  const state = query?.get('state');
  if (state?.includes('|')) registerIfSecret(state.slice(state.lastIndexOf('|') + 1), 'handle');
  registerIfSecret(query?.get('code'), 'authorization code');

  for (const cookie of reply.headers.getSetCookie()) {
    const [pair = ''] = cookie.split(';');
    const value = pair.slice(pair.indexOf('=') + 1).trim();
    if (value.length > 16) registerIfSecret(value, 'cookie');
  }

  for (const name of secretMembers) {
    const [, value] = new RegExp(`"${name}"\\s*:\\s*"([^"]+)"`).exec(reply.text()) ?? [];
    registerIfSecret(value, name.replace('_', ' '));
  }
}
