import type { IncomingMessage } from 'node:http';
import { OAuthError } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';

const MAX_BODY_BYTES = 64 * 1024;

/** Forms that were read ahead of the host's parsers, or what was wrong with them, by the request that brought them. */
const forms = new WeakMap<object, string | OAuthError>();

/** A request of Express (which is Node's own) or of Fastify (which holds it). */
interface Requested {
  readonly raw?: IncomingMessage;
}

/** Keeps what is wrong with a body until the request has come to our handler, behind the host's own middleware. */
export function noteProblem(request: IncomingMessage, problem: OAuthError): void {
  forms.set(request, problem);
}

/** What was found wrong with the body of a request before it came to a handler. */
export function notedProblem(request: Requested): OAuthError | undefined {
  const form = forms.get(request.raw ?? request);
  return form instanceof OAuthError ? form : undefined;
}

const FORM = 'application/x-www-form-urlencoded';

function tooLarge(): OAuthError {
  const cause = new Reason('the body is too large', { mend: `${MAX_BODY_BYTES} bytes at most` });
  return new OAuthError('invalid_request', 'The request body is too large', { status: 413, cause });
}

function notAForm(what: string, came: string): OAuthError {
  const anchor = 'reason-not-a-form-in-utf-8-by-its';
  const cause = new Reason(`not a form in UTF-8, by its ${what}`, { expected: FORM, came, anchor });
  return new OAuthError('invalid_request', `Send ${FORM} in UTF-8`, { cause });
}

/** @throws {@link OAuthError} 413 `invalid_request` for a body that says to have more than 64 KiB. */
export function checkSize({ headers }: Pick<IncomingMessage, 'headers'>): void {
  if (Number(headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooLarge();
}

function checkHeaders({ headers }: Pick<IncomingMessage, 'headers'>): void {
  checkSize({ headers });
  const length = Number(headers['content-length'] ?? 0);
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding.toLowerCase() !== 'identity') throw notAForm('Content-Encoding', encoding);
  if (length === 0 && headers['transfer-encoding'] === undefined) return; // nothing of any type
  const [type = '', ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';');
  if (type.trim() !== FORM) throw notAForm('Content-Type', type.trim());
  const charset = parameters.map((one) => one.trim()).find((one) => one.startsWith('charset='));
  if (charset !== undefined && !/^charset="?utf-?8"?$/.test(charset)) {
    throw notAForm('charset', charset);
  }
}

/**
 * Reads the form of a request before the host's parsers do: they differ in what they make of repeated and nested fields,
 * and their own refusals would not have our body. A parser finds the request read, and leaves it alone.
 *
 * @throws {@link OAuthError} 400 `invalid_request` for a body that is no form, 413 for more than 64 KiB.
 */
export async function readForm(request: IncomingMessage): Promise<void> {
  checkHeaders(request);
  const chunks: Buffer[] = [];
  let size = 0;
  // Destroying the stream would take the connection with it, and the answer.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    const bytes = Buffer.from(chunk);
    size += bytes.byteLength;
    if (size > MAX_BODY_BYTES) throw tooLarge();
    chunks.push(bytes);
  }
  forms.set(request, Buffer.concat(chunks).toString('utf8'));
}

/**
 * The form of a request as text; what the host's parser made of it where it came here past {@link readForm} (a serverless
 * platform, a route of a kind that the early checks do not know).
 *
 * @throws {@link OAuthError} 400 `invalid_request` for a body that is no form.
 */
export function formBody(
  request: Requested & {
    readonly body?: unknown;
    readonly headers: IncomingMessage['headers'];
  },
): unknown {
  const form = forms.get(request.raw ?? request);
  if (form instanceof OAuthError) throw form;
  if (form !== undefined) return form;
  checkHeaders(request);
  return request.body;
}
