import type { BeforeApplicationShutdown } from '@nestjs/common';
import type { Clock } from '../clock/clock.js';
import { OAuthError, badUpstreamAnswer, unavailable } from '../errors/oauth.error.js';
import type { ResolvedCallOptions } from '../options/resolve-provider.js';
import { isTrustworthyUrl, parseUrl } from '../options/url-rules.js';
import { kindOf, measure, note, noteFailure, traced } from '../telemetry/telemetry.js';

/** The `cause` of a refusal by our own cap, which says nothing about the provider. */
export const TOO_MANY_CALLS = 'too many calls under way';

/** The `cause` of a refusal for a redirect or an oversized body. */
export const UNUSABLE_RESPONSE = 'redirect or oversized body';

const DOCUMENT_TIMEOUT_MS = 5000;
const SHUTDOWN_GRACE_MS = 4000;
const MAX_BODY_BYTES = 1024 * 1024;

async function readBody(response: Response): Promise<Uint8Array> {
  if (response.body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > MAX_BODY_BYTES) throw badUpstreamAnswer(UNUSABLE_RESPONSE);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Whether a redirect is an answer; it is never followed. */
type Redirects = 'refused' | 'an answer';

function checkStatus({ status, type, redirected }: Response, redirects: Redirects): void {
  const isRedirect = status >= 300 && status < 400;
  if (redirected || type === 'opaqueredirect' || (isRedirect && redirects === 'refused')) {
    throw badUpstreamAnswer(UNUSABLE_RESPONSE);
  }
  if (status === 429 || status >= 500) throw unavailable(`HTTP ${status}`);
}

/**
 * The way of every outgoing call: https only (http on loopback or by option), no redirects, one time limit for
 * connection and body, 1 MiB at most, and a cap on calls under way.
 */
export class GuardedFetch implements BeforeApplicationShutdown {
  readonly #calls = new Set<AbortController>();
  #underWay = 0;

  constructor(
    private readonly options: ResolvedCallOptions,
    private readonly clock: Clock,
  ) {}

  /**
   * Like `fetch`, with the whole body read already.
   *
   * @param atMostMs a shorter time limit than `timeoutMs`, for whoever has less time.
   * @throws {@link OAuthError} 503 `temporarily_unavailable` for no answer, a late one, 429, 5xx or too many calls;
   * 502 `server_error` for a redirect, an oversized body or an address that is not allowed.
   */
  async request(url: string, init: RequestInit, atMostMs = Infinity): Promise<Response> {
    if (this.#underWay >= this.options.maxUpstreamCalls) throw unavailable(TOO_MANY_CALLS, 1);
    this.#underWay += 1;
    try {
      return await this.#guarded(url, init, Math.min(this.options.timeoutMs, atMostMs));
    } finally {
      this.#underWay -= 1;
    }
  }

  /**
   * Like {@link request}, but a redirect is an answer too. It is not followed.
   *
   * @throws {@link OAuthError} as {@link request}.
   */
  answer(url: string, init: RequestInit): Promise<Response> {
    return this.#guarded(url, init, this.options.timeoutMs, 'an answer');
  }

  /**
   * Fetches a JSON document that many callers share: 5 s at most, and outside the cap, because there is only one such fetch at
   * a time and every call needs it.
   *
   * @throws {@link OAuthError} as {@link request}.
   */
  document(url: string): Promise<Response> {
    const init = { headers: { accept: 'application/json, application/jwk-set+json' } };
    return this.#guarded(url, init, Math.min(DOCUMENT_TIMEOUT_MS, this.options.timeoutMs));
  }

  /** Gives calls under way a few seconds to end, and then ends them, so that requests that wait for them do. */
  beforeApplicationShutdown(): void {
    void this.#endAfterGrace();
  }

  async #endAfterGrace(): Promise<void> {
    await this.clock.sleep(SHUTDOWN_GRACE_MS, { ref: false });
    for (const call of this.#calls) call.abort();
  }

  async #guarded(
    url: string,
    init: RequestInit,
    timeoutMs: number,
    redirects: Redirects = 'refused',
  ): Promise<Response> {
    const target = parseUrl(url);
    if (target === undefined || !isTrustworthyUrl(target, this.options.allowInsecureHttp)) {
      throw badUpstreamAnswer('address that is not https');
    }
    return this.#told(target, init.method ?? 'GET', async () => {
      try {
        return await this.#within(timeoutMs, (signal) =>
          this.#exchange(url, { ...init, signal }, redirects),
        );
      } catch (error) {
        throw error instanceof OAuthError ? error : unavailable(error);
      }
    });
  }

  /** A span and a time of each call, by the semantic conventions of HTTP clients. Of the address neither query nor user go there. */
  #told(
    { hostname, host, origin, pathname, port, protocol }: URL,
    method: string,
    work: () => Promise<Response>,
  ): Promise<Response> {
    const began = this.clock.monotonicMs();
    const call = { 'http.request.method': method, 'server.address': hostname };
    const tell = (result: { 'http.response.status_code'?: number; 'error.type'?: string }) =>
      measure('oidc.upstream.duration', this.clock.monotonicMs() - began, { ...call, ...result });
    const attributes = {
      ...call,
      'server.port': Number(port) || (protocol === 'https:' ? 443 : 80),
      'url.full': `${origin}${pathname}`,
    };
    return traced(`${method} ${host}${pathname}`, { kind: 'client', attributes }, async () => {
      try {
        const response = await work();
        const answered = { 'http.response.status_code': response.status };
        note(answered);
        if (response.ok) {
          tell(answered);
        } else {
          noteFailure(String(response.status));
          tell({ ...answered, 'error.type': String(response.status) });
        }
        return response;
      } catch (error) {
        tell({ 'error.type': kindOf(error) });
        throw error;
      }
    });
  }

  /** Ends when it is too late, or the application closes, even for a `fetch` that ignores its signal. */
  async #within(
    timeoutMs: number,
    work: (signal: AbortSignal) => Promise<Response>,
  ): Promise<Response> {
    const call = new AbortController();
    this.#calls.add(call);
    try {
      const limit = { signal: call.signal, late: () => unavailable('timed out') };
      return await this.clock.within(timeoutMs, work(call.signal), limit);
    } finally {
      this.#calls.delete(call);
      call.abort();
    }
  }

  async #exchange(url: string, init: RequestInit, redirects: Redirects): Promise<Response> {
    const send = this.options.fetch ?? globalThis.fetch;
    const response = await send(url, { ...init, redirect: 'manual' });
    try {
      checkStatus(response, redirects);
      const body = await readBody(response);
      const { status, headers } = response;
      return new Response(body.byteLength === 0 ? null : body, { status, headers });
    } catch (error) {
      // Ends the connection of an answer that nobody will read.
      await response.body?.cancel().catch(() => undefined);
      throw error;
    }
  }
}
