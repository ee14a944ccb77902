import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Clock, epochSeconds } from '../clock/clock.js';
import {
  type Authentication,
  type GrantedLogin,
  IssuerGrants,
  type IssuerUser,
} from './issuer-grants.js';
import type { IssuerKeys } from './issuer-keys.js';
import { IssuerSession } from './issuer-session.js';

interface IssuerSurroundings {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly audience: string;
  readonly user: IssuerUser;
  readonly keys: IssuerKeys;
  readonly clock: Clock;
}

/** An answer: a JSON body, or an address to go to. */
type Answer = { readonly status: number; readonly body: object } | { readonly location: string };

const PATHS: Readonly<Record<string, string>> = {
  '/.well-known/openid-configuration': 'discovery',
  '/jwks': 'jwks',
  '/authorize': 'authorization',
  '/token': 'token',
  '/device': 'device',
  '/userinfo': 'userinfo',
  '/revoke': 'revocation',
  '/logout': 'endSession',
};

const ACCESS_LIFETIME_SEC = 300;

function refusal(error: string, status = 400): Answer {
  return { status, body: { error } };
}

/** What an issuer for tests answers over HTTP. */
export class IssuerEndpoints {
  readonly session: IssuerSession;
  readonly #of: IssuerSurroundings;
  readonly #grants = new IssuerGrants();
  readonly #failures = new Map<string, number | 'hang'>();

  constructor(surroundings: IssuerSurroundings) {
    this.#of = surroundings;
    this.session = new IssuerSession(surroundings.user, surroundings.clock);
  }

  fail(endpoint: string, status: number | 'hang' | undefined): void {
    if (status === undefined) this.#failures.delete(endpoint);
    else this.#failures.set(endpoint, status);
  }

  /** A signed access token (RFC 9068). */
  accessToken(
    user: IssuerUser,
    scope: string,
    lifetimeSec: number,
    authentication: Authentication = this.session.now(),
  ): Promise<string> {
    const { issuer, audience, clientId, clock, keys } = this.#of;
    const iat = epochSeconds(clock);
    const ofToken = { iss: issuer, aud: audience, azp: clientId, iat, exp: iat + lifetimeSec };
    const claims = { ...ofToken, jti: crypto.randomUUID(), scope, ...authentication, ...user };
    return keys.sign(claims, 'at+jwt');
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.#of.issuer);
    const endpoint = PATHS[url.pathname];
    const failure = endpoint === undefined ? 404 : this.#failures.get(endpoint);
    if (failure === 'hang') return;
    const answer =
      endpoint === undefined || failure !== undefined
        ? refusal('server_error', failure ?? 404)
        : await this.#answerOf(endpoint, url.searchParams, request);
    if ('location' in answer) {
      response.writeHead(302, { location: answer.location }).end();
      return;
    }
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer.body));
  }

  async #answerOf(
    endpoint: string,
    query: URLSearchParams,
    request: IncomingMessage,
  ): Promise<Answer> {
    switch (endpoint) {
      case 'discovery':
        return { status: 200, body: this.#metadata() };
      case 'jwks':
        return { status: 200, body: this.#of.keys.published() };
      case 'authorization':
        return this.#authorize(query);
      case 'endSession':
        return { location: query.get('post_logout_redirect_uri') ?? this.#of.issuer };
      case 'userinfo':
        return this.#userinfo(request.headers.authorization);
      default:
        return this.#forClient(endpoint, await formOf(request), request.headers.authorization);
    }
  }

  #metadata(): object {
    const { issuer } = this.#of;
    return {
      issuer,
      jwks_uri: `${issuer}/jwks`,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      device_authorization_endpoint: `${issuer}/device`,
      userinfo_endpoint: `${issuer}/userinfo`,
      revocation_endpoint: `${issuer}/revoke`,
      end_session_endpoint: `${issuer}/logout`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256'],
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
    };
  }

  /** Logs in at once and sends the browser back. */
  #authorize(query: URLSearchParams): Answer {
    const redirectUri = query.get('redirect_uri');
    if (query.get('client_id') !== this.#of.clientId || redirectUri === null) {
      return refusal('invalid_request');
    }
    const code = this.#grants.addCode({
      user: this.session.user,
      authentication: this.session.authenticated(query),
      scope: query.get('scope') ?? 'openid',
      nonce: query.get('nonce') ?? undefined,
      redirectUri,
      challenge: query.get('code_challenge') ?? undefined,
    });
    const location = new URL(redirectUri);
    location.searchParams.set('code', code);
    location.searchParams.set('state', query.get('state') ?? '');
    location.searchParams.set('iss', this.#of.issuer);
    return { location: location.href };
  }

  #userinfo(authorization: string | undefined): Answer {
    const user = this.#grants.userOf(authorization?.replace(/^bearer /i, '') ?? '');
    return user === undefined ? refusal('invalid_token', 401) : { status: 200, body: user };
  }

  async #forClient(
    endpoint: string,
    form: URLSearchParams,
    authorization: string | undefined,
  ): Promise<Answer> {
    if (!this.#isOurClient(form, authorization)) return refusal('invalid_client', 401);
    if (endpoint === 'device') return { status: 200, body: this.#deviceLogin(form) };
    if (endpoint === 'revocation') {
      this.#grants.revoke(form.get('token') ?? '');
      return { status: 200, body: {} };
    }
    if (form.get('grant_type') === 'client_credentials') {
      return { status: 200, body: await this.#ownToken(form) };
    }
    const login = this.#grants.redeem(form);
    return 'error' in login
      ? refusal(login.error)
      : { status: 200, body: await this.#tokens(login) };
  }

  #isOurClient(form: URLSearchParams, authorization = ''): boolean {
    const { clientId, clientSecret } = this.#of;
    const [id = '', secret = ''] = Buffer.from(authorization.replace(/^basic /i, ''), 'base64')
      .toString()
      .split(':')
      .map((part) => decodeURIComponent(part.replaceAll('+', ' ')));
    const basic = id === clientId && secret === clientSecret;
    return (
      basic || (form.get('client_id') === clientId && form.get('client_secret') === clientSecret)
    );
  }

  #deviceLogin(form: URLSearchParams): object {
    const { issuer } = this.#of;
    const scope = form.get('scope') ?? 'openid';
    return {
      device_code: this.#grants.addDevice({
        user: this.session.user,
        authentication: this.session.now(),
        scope,
        nonce: undefined,
      }),
      user_code: 'TEST-CODE',
      verification_uri: `${issuer}/activate`,
      expires_in: 600,
      interval: 1,
    };
  }

  /** A token of the application's own (RFC 6749 §4.4). */
  async #ownToken(form: URLSearchParams): Promise<object> {
    const scope = form.get('scope') ?? '';
    const client = { sub: this.#of.clientId };
    return {
      access_token: await this.accessToken(client, scope, ACCESS_LIFETIME_SEC),
      token_type: 'Bearer',
      expires_in: ACCESS_LIFETIME_SEC,
      scope,
    };
  }

  async #tokens(login: GrantedLogin): Promise<object> {
    const { user, authentication, scope, nonce } = login;
    const { issuer, clientId, keys, clock } = this.#of;
    const accessToken = await this.accessToken(user, scope, ACCESS_LIFETIME_SEC, authentication);
    this.#grants.addAccessToken(accessToken, user);
    const iat = epochSeconds(clock);
    const ofIdToken = { iss: issuer, aud: clientId, iat, exp: iat + ACCESS_LIFETIME_SEC };
    const idToken = {
      ...ofIdToken,
      ...authentication,
      ...user,
      ...(nonce === undefined ? {} : { nonce }),
    };
    return {
      access_token: accessToken,
      token_type: 'Bearer',
      expires_in: ACCESS_LIFETIME_SEC,
      scope,
      refresh_token: this.#grants.addRefreshToken({ ...login, nonce: undefined }),
      id_token: await keys.sign(idToken, 'JWT'),
    };
  }
}

async function formOf(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return new URLSearchParams(Buffer.concat(chunks).toString());
}
