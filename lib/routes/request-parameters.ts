import type { IncomingMessage } from 'node:http';
import { ValidateBy, ValidateIf, maxLength, validateSync } from 'class-validator';
import { OAuthError } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import type { LoginClient } from '../login/login-client.js';
import type { RequestCookies } from '../login/login-cookies.js';
import type { ProviderRequest } from '../options/several-providers.js';
import { parseUrl } from '../options/url-rules.js';
import { formBody } from './form-body.js';

/** A request of Express (which is Node's own) or of Fastify (which holds it), with what the host's parser made of it. */
export interface RouteRequest {
  readonly method?: string;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders?: IncomingMessage['rawHeaders'];
  readonly url?: string;
  readonly originalUrl?: string;
  readonly raw?: IncomingMessage;
  readonly body?: unknown;
  /** Of the client, as far as the host trusts its proxies. */
  readonly ip?: string;
}

/** @param name only where it is one of ours: what is no form at all may be a token. */
function malformed(what: string, name?: string): OAuthError {
  const cause = new Reason(what, name === undefined ? {} : { came: name });
  const text = 'The parameters of the request are malformed: each is sent once, as text';
  return new OAuthError('invalid_request', text, { cause });
}

/**
 * Names and values, each once. Hyphenated names count as their spelling with underscores, empty values as left out
 * (RFC 6749 §3.1, §3.2).
 */
function once(
  pairs: Iterable<readonly [name: string, value: unknown]>,
  known: readonly string[],
): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const [written, value] of pairs) {
    const name = written.replaceAll('-', '_');
    const [plain = ''] = name.split('[', 1);
    const shown = known.includes(plain) ? plain : undefined;
    if (typeof value !== 'string' || /[[\]]/.test(name))
      throw malformed('a nested parameter', shown);
    if (parameters.has(name)) throw malformed('a repeated parameter', shown);
    parameters.set(name, value);
  }
  for (const [name, value] of parameters) if (value === '') parameters.delete(name);
  return parameters;
}

function formPairs(body: unknown): Iterable<readonly [string, unknown]> {
  if (body === undefined || body === null) return [];
  if (typeof body === 'string') return new URLSearchParams(body);
  if (Buffer.isBuffer(body)) return new URLSearchParams(body.toString('utf8'));
  if (typeof body !== 'object' || Array.isArray(body)) throw malformed('a body that is no form');
  return Object.entries(body);
}

/** A parameter that may be left out and is at most `longest` characters long. */
export const Parameter = (longest: number): PropertyDecorator => {
  const absent = ValidateIf((_, value: unknown) => value !== undefined);
  const limit = ValidateBy({
    name: 'parameter',
    validator: { validate: (value: unknown) => maxLength(value, longest) },
  });
  return (target, property) => {
    absent(target, property);
    limit(target, property);
  };
};

function checked<T extends object>(
  Parameters: new () => T,
  pairs: Iterable<readonly [name: string, value: unknown]>,
): T {
  const parameters = new Parameters();
  const names = Object.keys(parameters);
  const given = once(pairs, names);
  for (const name of names) {
    Object.assign(parameters, { [name]: given.get(name) });
  }
  const [problem] = validateSync(parameters, { stopAtFirstError: true });
  if (problem === undefined) return parameters;
  const cause = new Reason(`${problem.property} is malformed or too long`, {
    anchor: 'reason-is-malformed-or-too-long',
  });
  throw new OAuthError('invalid_request', cause.name, { cause });
}

/**
 * The parameters of the query that a route knows, read from the URL as it came. Others are ignored.
 *
 * @throws {@link OAuthError} 400 `invalid_request` for repeated, nested or over-long ones.
 */
export function queryOf<T extends object>(request: RouteRequest, Parameters: new () => T): T {
  return checked(Parameters, rawQueryOf(request));
}

/** The parameters of the query beside those: nothing is known of their values. @throws {@link OAuthError} as {@link queryOf}. */
export function furtherQueryOf(
  request: RouteRequest,
  Parameters: new () => object,
): Readonly<Record<string, string>> {
  const known = Object.keys(new Parameters());
  const further = [...once(rawQueryOf(request), known)].filter(([name]) => !known.includes(name));
  return Object.fromEntries(further);
}

function rawQueryOf(request: RouteRequest): URLSearchParams {
  const url = request.originalUrl ?? request.url ?? '';
  const start = url.indexOf('?');
  return new URLSearchParams(start === -1 ? '' : url.slice(start + 1));
}

/**
 * The form fields that a route knows. The query never counts.
 *
 * @throws {@link OAuthError} 400 `invalid_request` for repeated, nested or over-long ones.
 */
export function formOf<T extends object>(request: RouteRequest, Parameters: new () => T): T {
  return checked(Parameters, formPairs(formBody(request)));
}

/** What the option `resolveProvider` may look at: no credentials. */
export function requestOf(request: RouteRequest): { request: ProviderRequest } {
  const {
    authorization: _token,
    cookie: _cookies,
    'proxy-authorization': _proxy,
    ...headers
  } = request.headers;
  const url = request.originalUrl ?? request.url ?? '';
  const query = new URLSearchParams(url.split('?', 2)[1] ?? '');
  const host = parseUrl(`http://${headers.host ?? ''}`)?.hostname;
  return { request: { headers, host, query: Object.fromEntries(query) } };
}

/** Who sent a request. */
export function clientOf({ headers, ip }: RouteRequest): LoginClient {
  return { userAgent: headers['user-agent'], address: ip };
}

/** The cookies of a request (RFC 6265 §4.2); of equal names the first counts. */
export function cookiesOf({ headers }: RouteRequest): RequestCookies {
  const cookies = new Map<string, string>();
  for (const pair of (headers.cookie ?? '').split(';')) {
    const separator = pair.indexOf('=');
    if (separator === -1) continue;
    // Other white space belongs to a name, and makes it another one.
    const name = pair.slice(0, separator).replace(/^[ \t]+/, '');
    if (!cookies.has(name)) cookies.set(name, pair.slice(separator + 1));
  }
  return cookies;
}
