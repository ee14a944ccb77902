import { registerIfSecret } from '../../support/canary-secrets.js';
import { type Reply, request } from '../../support/http-request.js';

type Json = Readonly<Record<string, unknown>>;

/** Keycloak's administration by REST, as the user `admin`. */
export class KeycloakAdmin {
  constructor(private readonly url: string) {}

  /** The JSON object at a path below `/admin/realms`. */
  async read(path: string): Promise<Json> {
    return (await this.#done('GET', path)).json();
  }

  /** The JSON objects in the list at a path. */
  async list(path: string): Promise<Json[]> {
    const value: unknown = JSON.parse((await this.#done('GET', path)).text());
    return Array.isArray(value) ? value.filter(isJson) : [];
  }

  async create(path: string, body: unknown): Promise<void> {
    await this.#done('POST', path, body);
  }

  async replace(path: string, body?: unknown): Promise<void> {
    await this.#done('PUT', path, body);
  }

  async remove(path: string): Promise<void> {
    await this.#done('DELETE', path);
  }

  /** The same when it may be gone already. */
  async removeIfThere(path: string): Promise<void> {
    const reply = await this.#send('DELETE', path);
    if (reply.status !== 204 && reply.status !== 404) throw failed('DELETE', path, reply);
  }

  async #done(method: string, path: string, body?: unknown): Promise<Reply> {
    const reply = await this.#send(method, path, body);
    if (reply.status >= 300) throw failed(method, path, reply);
    return reply;
  }

  async #send(method: string, path: string, body?: unknown): Promise<Reply> {
    return request(`${this.url}/admin/realms${path}`, {
      method,
      bearer: await this.#token(),
      headers: { 'content-type': 'application/json' },
      timeoutMs: 30_000,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  /** Valid for a minute, so that each call asks for its own. */
  async #token(): Promise<string> {
    const credentials = { client_id: 'admin-cli', username: 'admin', password: 'admin' };
    const reply = await request(`${this.url}/realms/master/protocol/openid-connect/token`, {
      form: { grant_type: 'password', ...credentials },
      timeoutMs: 30_000,
    });
    const token = reply.json()['access_token'];
    registerIfSecret(token, 'token of the administrator');
    return String(token);
  }
}

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function failed(method: string, path: string, reply: Reply): Error {
  return new Error(`${method} ${path}: ${reply.status} ${reply.text().slice(0, 300)}`);
}
