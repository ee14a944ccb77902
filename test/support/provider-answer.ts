import type { ServerResponse } from 'node:http';

/** What an endpoint of a test provider answers: an object as JSON, a string or buffer as it is. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: unknown;
}

/** The bytes of an answer's body. */
export function bodyBytes({ body }: Answer): Buffer {
  if (body === undefined) return Buffer.alloc(0);
  if (Buffer.isBuffer(body)) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

/** The headers of an answer; JSON unless the answer says otherwise. */
export function answerHeaders(answer: Answer): Record<string, string | string[]> {
  const type = answer.body === undefined ? {} : { 'content-type': 'application/json' };
  return { ...type, 'cache-control': 'no-store', ...answer.headers };
}

/** A good answer whose body a test may change. */
export function patchedAnswer<Body>(
  body: Body,
  patch: ((body: Body) => unknown) | undefined,
): Answer {
  return { status: 200, body: patch === undefined ? body : patch(body) };
}

/** Sends an answer whole, if the client is still there. */
export function sendAnswer(response: ServerResponse, answer: Answer): void {
  if (response.destroyed) return;
  const bytes = bodyBytes(answer);
  response.writeHead(answer.status, {
    ...answerHeaders(answer),
    'content-length': String(bytes.length),
  });
  response.end(bytes);
}
