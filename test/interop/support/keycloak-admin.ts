import { readFile } from 'node:fs/promises';

import { type Reply, request } from '../../support/http-request.js';

const REALM_FILE = new URL('../keycloak/demo-realm.json', import.meta.url);

/** The realm of the suites. */
export const REALM = 'demo';

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function records(reply: Reply): Record<string, unknown>[] {
  const value: unknown = JSON.parse(reply.text());
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

/** Keycloak's administration by REST, as the user `admin`. */
export class KeycloakAdmin {
  constructor(private readonly url: string) {}

  /** Makes the realm of the suites; one of an earlier run goes. */
  async createRealm(): Promise<void> {
    const gone = await this.#send('DELETE', `/${REALM}`);
    if (gone.status !== 204 && gone.status !== 404) throw failed('DELETE', `/${REALM}`, gone);
    await this.#done('POST', '', JSON.parse(await readFile(REALM_FILE, 'utf8')));
    await this.#done('POST', `/${REALM}/client-scopes`, {
      name: 'myscope',
      protocol: 'openid-connect',
      attributes: { 'include.in.token.scope': 'true' },
    });
    const scopes = records(await this.#done('GET', `/${REALM}/client-scopes`));
    const { id } = scopes.find(({ name }) => name === 'myscope') ?? {};
    const client = await this.#client('my-client');
    const path = `/${REALM}/clients/${String(client['id'])}/optional-client-scopes/${String(id)}`;
    await this.#done('PUT', path);
  }

  /** Changes attributes of a client. */
  async setClientAttributes(
    clientId: string,
    attributes: Readonly<Record<string, string>>,
  ): Promise<void> {
    const client = await this.#client(clientId);
    const before = isRecord(client['attributes']) ? client['attributes'] : {};
    const changed = { ...client, attributes: { ...before, ...attributes } };
    await this.#done('PUT', `/${REALM}/clients/${String(client['id'])}`, changed);
  }

  /** Ends all sessions of a user, as an administrator does in the console. */
  async logOut(username: string): Promise<void> {
    const found = records(
      await this.#done('GET', `/${REALM}/users?exact=true&username=${username}`),
    );
    await this.#done('POST', `/${REALM}/users/${String(found[0]?.['id'])}/logout`);
  }

  /** Adds an RSA key that signs from now on. */
  async addSigningKey(name: string): Promise<void> {
    const realm = (await this.#done('GET', `/${REALM}`)).json();
    await this.#done('POST', `/${REALM}/components`, {
      name,
      providerId: 'rsa-generated',
      providerType: 'org.keycloak.keys.KeyProvider',
      parentId: realm['id'],
      config: { priority: ['1000'], keySize: ['2048'], algorithm: ['RS256'] },
    });
  }

  /** Removes the keys for RS256 that have another name than this: their tokens verify no more. */
  async removeOtherSigningKeys(name: string): Promise<void> {
    const type = 'org.keycloak.keys.KeyProvider';
    const found = records(await this.#done('GET', `/${REALM}/components?type=${type}`));
    const others = found.filter(
      (component) => component['providerId'] === 'rsa-generated' && component['name'] !== name,
    );
    for (const { id } of others) {
      await this.#done('DELETE', `/${REALM}/components/${String(id)}`);
    }
  }

  async #client(clientId: string): Promise<Record<string, unknown>> {
    const [client] = records(await this.#done('GET', `/${REALM}/clients?clientId=${clientId}`));
    if (client === undefined) throw new Error(`The realm has no client ${clientId}`);
    return client;
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
    const reply = await request(`${this.url}/realms/master/protocol/openid-connect/token`, {
      form: {
        grant_type: 'password',
        client_id: 'admin-cli',
        username: 'admin',
        password: 'admin',
      },
      timeoutMs: 30_000,
    });
    return String(reply.json()['access_token']);
  }
}

function failed(method: string, path: string, reply: Reply): Error {
  return new Error(`${method} ${path}: ${reply.status} ${reply.text().slice(0, 300)}`);
}
