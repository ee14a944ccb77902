import { randomUUID } from 'node:crypto';

import type { JSONWebKeySet } from 'jose';

import type { Behaviour, TokenPatch } from './behaviour.js';
import { registerIfSecret } from './canary-secrets.js';
import { compactJws, keySigner, type JsonMembers, type Signer } from './compact-jws.js';
import { unguessable, type Grant } from './issued-grants.js';
import { testKey, type SigningKey } from './signing-keys.js';

/** Who the misbehaving provider says it is, and to whom. */
export interface ProviderIdentity {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly audience: string;
  readonly behaviour: Behaviour;
}

/** Key names in use: providers that run at the same time never share a key. */
const namesInUse = new Set<string>();

/** The keys of the misbehaving provider and the tokens that it makes with them. */
export class TokenMint {
  readonly #name = takeFreeName();
  readonly #opaqueTokens = new Map<string, JsonMembers>();
  #rotations = 0;
  #signing: SigningKey | undefined;

  /** The published keys. */
  keys: readonly SigningKey[] = [];

  constructor(private readonly identity: ProviderIdentity) {}

  /** Signs what the provider issues, whether it is published or not. */
  get signingKey(): SigningKey {
    if (this.#signing === undefined) throw new Error('The provider has no key yet');
    return this.#signing;
  }

  set signingKey(key: SigningKey) {
    this.#signing = key;
  }

  get jwks(): JSONWebKeySet {
    return { keys: this.keys.map(({ publicJwk }) => publicJwk) };
  }

  /** Publishes these keys, or new ones of these kinds; the first one signs. */
  async begin(
    algorithms: readonly SigningKey['alg'][],
    keys?: readonly SigningKey[],
  ): Promise<void> {
    this.keys = keys ?? (await Promise.all(algorithms.map((alg) => testKey(alg, this.#name))));
    this.#signing = this.keys[0];
  }

  /** Gives the name of its keys back to providers started later. */
  end(): void {
    namesInUse.delete(this.#name);
  }

  /** Publishes a new RSA key and signs with it; the keys before stay published. */
  async rotate(): Promise<SigningKey> {
    this.#rotations += 1;
    const next = await testKey('RS256', `${this.#name} rotation ${this.#rotations}`);
    this.keys = [next, ...this.keys];
    this.#signing = next;
    return next;
  }

  withdraw(kid: string): void {
    this.keys = this.keys.filter((key) => key.kid !== kid);
  }

  accessToken(claims: JsonMembers, header: JsonMembers, key: SigningKey | Signer): string {
    const patch = { claims: merge(claims), header: merge(header) };
    return this.#sign(this.#accessClaims(), patch, key, 'access token');
  }

  idToken(claims: JsonMembers, header: JsonMembers, key: SigningKey | Signer): string {
    const patch = { claims: merge(claims), header: merge(header) };
    return this.#sign(this.#idClaims(), patch, key, 'ID token');
  }

  accessTokenFor({ user, scope }: Grant): string {
    const { accessToken: patch, opaqueAccessTokens } = this.identity.behaviour;
    const claims = { ...this.#accessClaims(), ...user, scope };
    if (!opaqueAccessTokens) return this.#sign(claims, patch, this.signingKey, 'access token');

    const token = unguessable('access token');
    this.#opaqueTokens.set(token, patch.claims?.(claims) ?? claims);
    return token;
  }

  idTokenFor({ user, nonce }: Grant): string {
    const claims = { ...this.#idClaims(), ...user, nonce };
    return this.#sign(claims, this.identity.behaviour.idToken, this.signingKey, 'ID token');
  }

  /** A random string that stands for an access token of these claims. */
  opaqueToken(claims: JsonMembers, prefix: string): string {
    const token = `${prefix}${unguessable('access token')}`;
    registerIfSecret(token, 'opaque access token');
    this.#opaqueTokens.set(token, merge(claims)(this.#accessClaims()));
    return token;
  }

  /** Only reads: this provider believes every access token that looks like one. */
  claimsOf(token: string): JsonMembers | undefined {
    const opaque = this.#opaqueTokens.get(token);
    if (opaque !== undefined) return opaque;
    try {
      const text = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
      const parsed: unknown = JSON.parse(text);
      return typeof parsed === 'object' && parsed !== null ? { ...parsed } : undefined;
    } catch {
      return undefined;
    }
  }

  #accessClaims(): JsonMembers {
    const { issuer, audience, clientId, behaviour } = this.identity;
    const iat = this.#now();
    const { sub, preferred_username, email, realm_access, resource_access, groups } =
      behaviour.user;
    return {
      iss: issuer,
      aud: audience,
      sub,
      iat,
      exp: iat + behaviour.accessTokenLifetimeSec,
      azp: clientId,
      typ: 'Bearer',
      jti: randomUUID(),
      scope: 'openid profile email myscope',
      preferred_username,
      email,
      realm_access,
      resource_access,
      groups,
    };
  }

  #idClaims(): JsonMembers {
    const { issuer, clientId, behaviour } = this.identity;
    const iat = this.#now();
    return { iss: issuer, aud: clientId, iat, exp: iat + 300, auth_time: iat, ...behaviour.user };
  }

  #sign(claims: JsonMembers, patch: TokenPatch, key: SigningKey | Signer, kind: string): string {
    const chosen = patch.signer ?? key;
    const signer = 'privateKey' in chosen ? keySigner(chosen) : chosen;
    const header = { alg: signer.alg, kid: signer.kid, typ: 'JWT' };
    const token = compactJws(
      patch.header?.(header) ?? header,
      patch.claims?.(claims) ?? claims,
      signer,
    );
    registerIfSecret(token, kind);
    return token;
  }

  #now(): number {
    return Math.floor(this.identity.behaviour.now().getTime() / 1000);
  }
}

function merge(changes: JsonMembers): (members: JsonMembers) => JsonMembers {
  return (members) => ({ ...members, ...changes });
}

function takeFreeName(): string {
  let number = 1;
  while (namesInUse.has(`provider ${number}`)) number += 1;
  namesInUse.add(`provider ${number}`);
  return `provider ${number}`;
}
