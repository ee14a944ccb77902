import { registerIfSecret } from '../../support/canary-secrets.js';
import { type Reply, request } from '../../support/http-request.js';
import { TEST_CLIENT_SECRET } from '../../support/provider-options.js';

type Json = Readonly<Record<string, unknown>>;

/** What Hydra asks somebody else: who logs in, what he consents to, whether he logs out. */
const QUESTIONS = ['login', 'consent', 'logout'] as const;

export const HYDRA_USER = 'user-0001-alice';

const ANSWERS: Readonly<Record<(typeof QUESTIONS)[number], (asked: Json) => Json>> = {
  login: () => ({ subject: HYDRA_USER, remember: true, acr: 'silver', amr: ['pwd'] }),
  consent: (asked) => ({
    grant_scope: asked['requested_scope'],
    grant_access_token_audience: asked['requested_access_token_audience'],
    session: {
      access_token: { role: 'editor' },
      id_token: {
        preferred_username: 'alice',
        email: 'alice@example.org',
        email_verified: true,
        roles: ['admins'],
      },
    },
  }),
  logout: () => ({}),
};

/** An Ory Hydra that runs, and its administration. It is what an application needs of a provider. */
export class Hydra {
  readonly clientSecret = TEST_CLIENT_SECRET;
  readonly issuer: string;
  readonly discoveryUrl: string;

  constructor(
    url: string,
    private readonly adminUrl: string,
  ) {
    this.issuer = `${url.replace(/\/$/, '')}/`;
    this.discoveryUrl = `${this.issuer}.well-known/openid-configuration`;
  }

  /** Only its administration answers this. */
  get introspectionEndpoint(): string {
    return `${this.adminUrl}/admin/oauth2/introspect`;
  }

  /** Registers a client that logs in by code; one of an earlier run goes. */
  async addClient(client: Json): Promise<void> {
    const path = `/admin/clients/${String(client['client_id'])}`;
    await this.#send('DELETE', path);
    await this.#done('POST', '/admin/clients', {
      client_secret: this.clientSecret,
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      redirect_uris: ['http://localhost:53100/callback'],
      post_logout_redirect_uris: ['http://localhost:53100/goodbye'],
      scope: 'openid offline_access profile email orders',
      audience: ['my-aud', 'other-aud'],
      ...client,
    });
  }

  /** Where the browser goes on, when a redirect is one of Hydra's questions: answered as a person would. */
  async answered(location: URL): Promise<URL | undefined> {
    const question = QUESTIONS.find((one) => location.searchParams.has(`${one}_challenge`));
    if (question === undefined) return undefined;
    const name = `${question}_challenge`;
    const query = new URLSearchParams({ [name]: location.searchParams.get(name) ?? '' });
    const path = `/admin/oauth2/auth/requests/${question}`;
    const asked = (await this.#done('GET', `${path}?${query.toString()}`)).json();
    const accepted = await this.#done(
      'PUT',
      `${path}/accept?${query.toString()}`,
      ANSWERS[question](asked),
    );
    return new URL(String(accepted.json()['redirect_to']));
  }

  /** Revokes a token as its client does. */
  async revoke(clientId: string, token: string): Promise<void> {
    await this.#asClient(clientId, 'revoke', { token });
  }

  /** Ends a session as an administrator does. */
  async endSession(sid: string): Promise<void> {
    await this.#done('DELETE', `/admin/oauth2/auth/sessions/login?sid=${encodeURIComponent(sid)}`);
  }

  /** A token of a client of its own, for an audience. */
  async tokenFor(clientId: string, audience: string): Promise<string> {
    const form = { grant_type: 'client_credentials', audience };
    const token = (await this.#asClient(clientId, 'token', form)).json()['access_token'];
    registerIfSecret(token, 'access token of a client');
    return String(token);
  }

  async #asClient(
    clientId: string,
    endpoint: string,
    form: Readonly<Record<string, string>>,
  ): Promise<Reply> {
    const credentials = Buffer.from(`${clientId}:${this.clientSecret}`).toString('base64');
    const headers = { authorization: `Basic ${credentials}` };
    const reply = await request(`${this.issuer}oauth2/${endpoint}`, { form, headers });
    if (reply.status === 200) return reply;
    throw new Error(`${endpoint}: ${reply.status} ${reply.text()}`);
  }

  async #done(method: string, path: string, body?: unknown): Promise<Reply> {
    const reply = await this.#send(method, path, body);
    if (reply.status < 300) return reply;
    throw new Error(`${method} ${path}: ${reply.status} ${reply.text().slice(0, 300)}`);
  }

  #send(method: string, path: string, body?: unknown): Promise<Reply> {
    const headers = { 'content-type': 'application/json' };
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    return request(this.adminUrl + path, { method, headers, ...sent });
  }
}
