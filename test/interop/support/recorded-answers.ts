import type { FetchFunction } from '../../../lib/index.js';
import { isJson } from './keycloak-admin.js';

/** What a provider answered to an application: its option `fetch`, and the JSON that came through it. */
export class RecordedAnswers {
  readonly #seen: { readonly path: string; readonly body: Readonly<Record<string, unknown>> }[] =
    [];

  readonly fetch: FetchFunction = async (input, init) => {
    const response = await fetch(input, init);
    const body: unknown = await response
      .clone()
      .json()
      .catch(() => undefined);
    if (isJson(body)) this.#seen.push({ path: new URL(response.url).pathname, body });
    return response;
  };

  /** The answers of a path that ends so, oldest first. */
  of(pathEnd: string): readonly Readonly<Record<string, unknown>>[] {
    return this.#seen.filter(({ path }) => path.endsWith(pathEnd)).map(({ body }) => body);
  }
}
