import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';

import { answerHeaders, bodyBytes, sendAnswer, type Answer } from './provider-answer.js';
import type { LoggedRequest } from './request-log.js';

/** One request at a misbehaving endpoint. */
export interface Exchange {
  readonly request: LoggedRequest;
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  /** Tells that the client waits from now on, for what will not come in time. */
  readonly waits: () => void;
  /** Does what the endpoint would do (spend a code, rotate a token) and tells its answer. */
  readonly usual: () => Promise<Answer>;
}

/** Takes the place of an endpoint's answer. */
export type Fault = (exchange: Exchange) => Promise<void>;

/** Whether the endpoint does its work although its answer does not arrive. */
export interface WorkOption {
  /** @defaultValue `false` */
  work?: boolean;
}

/** Answers as usual, but late. */
export function delay(ms: number): Fault {
  return async ({ response, usual }) => {
    await pause(ms);
    sendAnswer(response, await usual());
  };
}

/** Accepts the request and never answers, until the client or the provider closes the connection. */
export function hang({ work = false }: WorkOption = {}): Fault {
  return async ({ usual, waits }) => {
    if (work) await usual();
    waits();
  };
}

/** Sends the usual answer a few bytes at a time. */
export function drip({ bytes = 1, everyMs = 50 } = {}): Fault {
  return async ({ response, usual, waits }) => {
    const answer = await usual();
    const body = bodyBytes(answer);
    response.writeHead(answer.status, {
      ...answerHeaders(answer),
      'content-length': String(body.length),
    });
    for (let at = 0; at < body.length && !response.destroyed; at += bytes) {
      response.write(body.subarray(at, at + bytes));
      await pause(everyMs);
      if (at === 0) waits();
    }
    if (!response.destroyed) response.end();
  };
}

/** Sends a body that never ends, as fast as the client takes it. */
export function endlessBody({ chunkBytes = 65_536, type = 'application/json' } = {}): Fault {
  return async ({ response }) => {
    const chunk = Buffer.alloc(chunkBytes, ' ');
    response.writeHead(200, { 'content-type': type });
    while (!response.destroyed) {
      if (!response.write(chunk)) await drained(response);
      else await pause(0);
    }
  };
}

/**
 * Closes the connection: before anything was sent, in the middle of the body, or after all of it (the
 * answer is whole then). Before: the work is done only with `work: true`; else it is done.
 */
export function closeSocket(
  when: 'before' | 'during' | 'after',
  { work = false }: WorkOption = {},
): Fault {
  return async ({ incoming, response, usual }) => {
    if (when === 'before') {
      if (work) await usual();
      incoming.socket.destroy();
      return;
    }
    const answer = await usual();
    const body = bodyBytes(answer);
    const length = { 'content-length': String(body.length) };
    response.writeHead(answer.status, { ...answerHeaders(answer), ...length });
    const sent = when === 'after' ? body : body.subarray(0, Math.floor(body.length / 2));
    response.write(sent, () => incoming.socket.end(() => incoming.socket.destroy()));
  };
}

/** Answers with this, and does not do the endpoint's work. */
export function answerWith(answer: Answer): Fault {
  return async ({ response }) => sendAnswer(response, answer);
}

/** Redirects, by default in the way that would resend a POST with its body. */
export function redirectTo(location: string, status = 307): Fault {
  return answerWith({ status, headers: { location } });
}

/** Answers a web page, as a proxy or a captive portal does. */
export function html(status = 200): Fault {
  return answerWith({
    status,
    headers: { 'content-type': 'text/html' },
    body: '<!DOCTYPE html><title>Maintenance</title><p>upstream-text-of-the-html-page</p>',
  });
}

/** Answers without a body. */
export function emptyBody(status = 200): Fault {
  return answerWith({ status, headers: { 'content-type': 'application/json' } });
}

/** Does the work, and sends the answer under another content type. */
export function wrongType(type = 'text/plain'): Fault {
  return async ({ response, usual }) => {
    const answer = await usual();
    sendAnswer(response, { ...answer, headers: { ...answer.headers, 'content-type': type } });
  };
}

/** Does the work, and sends only the first half of the JSON text, as if it were all. */
export function truncatedJson(): Fault {
  return async ({ response, usual }) => {
    const answer = await usual();
    const body = bodyBytes(answer);
    sendAnswer(response, { ...answer, body: body.subarray(0, Math.floor(body.length / 2)) });
  };
}

/** Answers a failure such as 500, 503 or 429, by default with an OAuth error body. */
export function failWith(
  status: number,
  { retryAfterSec, body }: { retryAfterSec?: number; body?: unknown } = {},
): Fault {
  return answerWith({
    status,
    ...(retryAfterSec === undefined ? {} : { headers: { 'retry-after': String(retryAfterSec) } }),
    body: body ?? { error: 'server_error', error_description: 'upstream-error-description' },
  });
}

/** Misbehaves for the first few requests only. */
export function firstTimes(count: number, fault: Fault): Fault {
  let left = count;
  return async (exchange) => {
    left -= 1;
    if (left >= 0) return fault(exchange);
    return sendAnswer(exchange.response, await exchange.usual());
  };
}

/** Does not keep the process alive. */
function pause(ms: number): Promise<void> {
  return wait(ms, undefined, { ref: false });
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}
