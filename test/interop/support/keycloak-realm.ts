import { readFile } from 'node:fs/promises';

import { request } from '../../support/http-request.js';
import {
  TEST_AUDIENCE,
  TEST_CLIENT_ID,
  TEST_CLIENT_SECRET,
} from '../../support/provider-options.js';
import { isJson, KeycloakAdmin } from './keycloak-admin.js';
import { type Level, makeLevels } from './keycloak-levels.js';
import { otpCredential } from './one-time-password.js';

const REALM_FILE = new URL('../keycloak/demo-realm.json', import.meta.url);
const KEY_PROVIDER = 'org.keycloak.keys.KeyProvider';

export type RealmUser = 'alice' | 'bob';

function audienceMapper(name: string, config: Readonly<Record<string, string>>): object {
  return {
    name,
    protocol: 'openid-connect',
    protocolMapper: 'oidc-audience-mapper',
    config: { 'access.token.claim': 'true', 'introspection.token.claim': 'true', ...config },
  };
}

/** A realm of a Keycloak that runs; each suite has one of its own. It is what an application needs of a provider. */
export class KeycloakRealm {
  readonly clientSecret = TEST_CLIENT_SECRET;
  readonly issuer: string;
  readonly #admin: KeycloakAdmin;

  constructor(
    url: string,
    private readonly name: string,
  ) {
    this.issuer = `${url}/realms/${name}`;
    this.#admin = new KeycloakAdmin(url);
  }

  get discoveryUrl(): string {
    return `${this.issuer}/.well-known/openid-configuration`;
  }

  /** Makes the realm as `demo-realm.json` describes it, but for these members; one of an earlier run goes. */
  async create(changes: Readonly<Record<string, unknown>> = {}): Promise<this> {
    const described: unknown = JSON.parse(await readFile(REALM_FILE, 'utf8'));
    if (!isJson(described)) throw new Error('The realm file describes no realm');
    await this.#admin.removeIfThere(`/${this.name}`);
    await this.#admin.create('', { ...described, ...changes, realm: this.name });
    await this.#addScope('myscope'); // in the realm file it would take the place of Keycloak's own scopes
    return this;
  }

  /** Registers another client, whose access tokens are for `my-aud`. */
  async addClient(client: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#admin.create(this.#path('/clients'), {
      redirectUris: ['http://localhost/*', 'http://127.0.0.1/*'],
      ...client,
      protocolMappers: [
        audienceMapper('my-aud', { 'included.custom.audience': TEST_AUDIENCE }),
        // Introspection answers clients that a token is for, and looks at the token itself.
        audienceMapper('itself', {
          'included.client.audience': String(client['clientId']),
          'lightweight.claim': 'true',
        }),
      ],
    });
  }

  /** Makes logins climb levels of authentication; alice has a secret for one-time passwords. */
  async climbTo(levels: readonly Level[], otpSecret: string): Promise<void> {
    await makeLevels(this.#admin, this.name, levels);
    const user = await this.#userPath('alice');
    await this.#admin.replace(user, { credentials: [otpCredential(otpSecret)] });
  }

  /** Where Keycloak tells that it has ended a session. */
  async setBackchannelLogoutUrl(url: string): Promise<void> {
    const client = await this.#client();
    const before = isJson(client['attributes']) ? client['attributes'] : {};
    const attributes = { ...before, 'backchannel.logout.url': url };
    await this.#admin.replace(this.#path(`/clients/${String(client['id'])}`), {
      ...client,
      attributes,
    });
  }

  /** Ends all sessions of a user, as an administrator does in the console. */
  async logOut(user: RealmUser): Promise<void> {
    await this.#admin.create(`${await this.#userPath(user)}/logout`, {});
  }

  /** How many sessions a user has. */
  async sessionsOf(user: RealmUser): Promise<number> {
    return (await this.#admin.list(`${await this.#userPath(user)}/sessions`)).length;
  }

  /** Adds an RSA key that signs from now on. */
  async addSigningKey(name: string): Promise<void> {
    const { id: parentId } = await this.#admin.read(this.#path());
    await this.#admin.create(this.#path('/components'), {
      name,
      providerId: 'rsa-generated',
      providerType: KEY_PROVIDER,
      parentId,
      config: { priority: ['1000'], keySize: ['2048'], algorithm: ['RS256'] },
    });
  }

  /** Removes the RSA signing keys of other names: tokens signed by them verify no more. */
  async removeOtherSigningKeys(name: string): Promise<void> {
    const found = await this.#admin.list(this.#path(`/components?type=${KEY_PROVIDER}`));
    const others = found.filter(
      (component) => component['providerId'] === 'rsa-generated' && component['name'] !== name,
    );
    for (const { id } of others) await this.#admin.remove(this.#path(`/components/${String(id)}`));
  }

  /** An access token that Keycloak issued to another client of the realm, for the same audience. */
  async tokenOfOtherClient(user: RealmUser): Promise<string> {
    const reply = await request(`${this.issuer}/protocol/openid-connect/token`, {
      form: {
        grant_type: 'password',
        client_id: 'other-client',
        client_secret: 'secret-of-another-client-of-the-realm',
        username: user,
        password: `password-of-${user}`,
        scope: 'openid',
      },
    });
    return String(reply.json()['access_token']);
  }

  async #addScope(name: string): Promise<void> {
    await this.#admin.create(this.#path('/client-scopes'), {
      name,
      protocol: 'openid-connect',
      attributes: { 'include.in.token.scope': 'true' },
    });
    const scopes = await this.#admin.list(this.#path('/client-scopes'));
    const id = scopes.find((scope) => scope['name'] === name)?.['id'];
    const client = `/clients/${String((await this.#client())['id'])}`;
    await this.#admin.replace(this.#path(`${client}/optional-client-scopes/${String(id)}`));
  }

  async #client(): Promise<Readonly<Record<string, unknown>>> {
    const [client] = await this.#admin.list(this.#path(`/clients?clientId=${TEST_CLIENT_ID}`));
    if (client === undefined) throw new Error('The realm lacks our client');
    return client;
  }

  async #userPath(user: RealmUser): Promise<string> {
    const [found] = await this.#admin.list(this.#path(`/users?exact=true&username=${user}`));
    return this.#path(`/users/${String(found?.['id'])}`);
  }

  #path(rest = ''): string {
    return `/${this.name}${rest}`;
  }
}
