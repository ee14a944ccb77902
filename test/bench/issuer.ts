import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

import { type CryptoKey, type JWK, SignJWT, exportJWK, generateKeyPair } from 'jose';

export const KEY_ID = 'key-1';
/** Of a key whose signatures cost little to make. */
const QUICK_KEY_ID = 'key-2';
const OPAQUE = 'opaque-';
export const AUDIENCE = 'bench-api';
export const CLIENT_ID = 'bench-client';
export const CLIENT_SECRET = 'client-secret-of-the-benchmarks-32-long';

/** As long and as deep as the access tokens of Keycloak are. */
function claimsOf(user: number): Record<string, unknown> {
  return {
    typ: 'Bearer',
    azp: CLIENT_ID,
    sid: `session-${user}`,
    scope: 'openid profile email orders:read',
    realm_access: { roles: ['staff', 'offline_access', 'uma_authorization'] },
    resource_access: { account: { roles: ['manage-account', 'view-profile'] } },
    email_verified: true,
    name: 'Jane Doe',
    preferred_username: `jane-${user}`,
    given_name: 'Jane',
    family_name: 'Doe',
    email: `jane-${user}@example.org`,
  };
}

/** A provider that all contestants trust: discovery, a key set, and tokens signed with RS256. Laid out as a realm of Keycloak. */
export class BenchIssuer {
  #asked = 0;

  private constructor(
    private readonly server: Server,
    private readonly privateKey: CryptoKey,
    readonly publicKey: JWK,
    private readonly quickKeys: { readonly privateKey: CryptoKey; readonly publicKey: JWK },
  ) {
    server.on('request', (request, response) => {
      this.#asked += 1;
      response.setHeader('Content-Type', 'application/json');
      void this.#answerTo(request).then((body) => response.end(JSON.stringify(body)));
    });
  }

  static async start(): Promise<BenchIssuer> {
    const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const published = { ...(await exportJWK(publicKey)), kid: KEY_ID, alg: 'RS256', use: 'sig' };
    const quick = await generateKeyPair('ES256', { extractable: true });
    const jwk = { ...(await exportJWK(quick.publicKey)), kid: QUICK_KEY_ID, alg: 'ES256' };
    const quickKeys = { privateKey: quick.privateKey, publicKey: { ...jwk, use: 'sig' } };
    return new BenchIssuer(server, privateKey, published, quickKeys);
  }

  get origin(): string {
    const address: string | AddressInfo | null = this.server.address();
    if (typeof address !== 'object' || address === null)
      throw new Error('The issuer is not listening');
    return `http://127.0.0.1:${address.port}`;
  }

  get issuer(): string {
    return `${this.origin}/realms/bench`;
  }

  /** How many requests have come so far. */
  get asked(): number {
    return this.#asked;
  }

  /** A token that says nothing by itself: of that user, until it is asked about. */
  opaqueToken(user: number): string {
    return `${OPAQUE}${user}-${createHash('sha256').update(String(user)).digest('hex')}`;
  }

  /** An access token of one of any number of users; `more` are further claims. */
  token(user: number, more: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const header = { alg: 'RS256', typ: 'JWT', kid: KEY_ID };
    return this.#claims(user, more).setProtectedHeader(header).sign(this.privateKey);
  }

  /** One that is signed with ES256, where there must be very many. */
  quickToken(user: number): Promise<string> {
    const header = { alg: 'ES256', typ: 'JWT', kid: QUICK_KEY_ID };
    return this.#claims(user, {}).setProtectedHeader(header).sign(this.quickKeys.privateKey);
  }

  #claims(user: number, more: Readonly<Record<string, unknown>>): SignJWT {
    return new SignJWT({ ...claimsOf(user), ...more })
      .setIssuer(this.issuer)
      .setSubject(`user-${user}`)
      .setAudience(AUDIENCE)
      .setJti(`token-${user}`)
      .setIssuedAt()
      .setExpirationTime('2h');
  }

  async tokens(count: number): Promise<string[]> {
    return Promise.all(Array.from({ length: count }, (_, user) => this.token(user)));
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  async #answerTo(request: IncomingMessage): Promise<Record<string, unknown>> {
    if (request.url?.endsWith('/certs')) {
      return { keys: [this.publicKey, this.quickKeys.publicKey] };
    }
    if (!request.url?.endsWith('/introspect')) return this.#metadata();
    const token = new URLSearchParams(await text(request)).get('token') ?? '';
    if (!token.startsWith(OPAQUE)) return { active: false };
    const user = Number(token.split('-')[1]);
    const { iss, aud, sub } = { iss: this.issuer, aud: AUDIENCE, sub: `user-${user}` };
    return {
      active: true,
      ...claimsOf(user),
      iss,
      aud,
      sub,
      exp: Math.floor(Date.now() / 1000) + 3600,
    };
  }

  #metadata(): Record<string, unknown> {
    const at = (path: string): string => `${this.issuer}/protocol/openid-connect/${path}`;
    return {
      issuer: this.issuer,
      authorization_endpoint: at('auth'),
      token_endpoint: at('token'),
      userinfo_endpoint: at('userinfo'),
      jwks_uri: at('certs'),
      introspection_endpoint: at('introspect'),
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
    };
  }
}
