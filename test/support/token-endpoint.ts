import type { JsonMembers } from './compact-jws.js';
import { clientCredentials } from './client-credentials.js';
import type { Grant, IssuedGrants } from './issued-grants.js';
import { patchedAnswer, type Answer } from './provider-answer.js';
import type { LoggedRequest } from './request-log.js';
import type { ProviderIdentity, TokenMint } from './token-mint.js';
import { users } from './users.js';

export const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

const DEVICE_CODE_LIFETIME_SEC = 600;
const REFRESH_LIFETIME_SEC = 1800;

/** What the misbehaving provider's endpoints for clients do when no fault stands in their way. */
export class TokenEndpoint {
  constructor(
    private readonly identity: ProviderIdentity,
    private readonly mint: TokenMint,
    private readonly grants: IssuedGrants,
  ) {}

  /** The token endpoint: code, refresh and device grants. */
  async answer(request: LoggedRequest): Promise<Answer> {
    const usual = (): Answer => this.#grantTokens(request);
    return this.identity.behaviour.token?.(request.body, usual) ?? usual();
  }

  /** The device authorization endpoint (RFC 8628 §3.2). */
  startDevice(request: LoggedRequest): Answer {
    if (!this.#acceptsClient(request)) return unknownClient;

    const { issuer, behaviour } = this.identity;
    const { deviceCode, userCode } = this.grants.addDevice(request.body['scope'] ?? 'openid');
    const body = {
      device_code: deviceCode,
      user_code: userCode,
      verification_uri: `${issuer}/device`,
      verification_uri_complete: `${issuer}/device?user_code=${userCode}`,
      expires_in: DEVICE_CODE_LIFETIME_SEC,
      interval: 5,
    };
    return patchedAnswer(body, behaviour.device);
  }

  userinfo({ headers }: LoggedRequest): Answer {
    const { behaviour } = this.identity;
    const claims = this.mint.claimsOf(headers.authorization?.split(' ')[1] ?? '');
    if (claims === undefined) return { status: 401, body: { error: 'invalid_token' } };

    const people = [behaviour.user, ...users.values()];
    const user = people.find(({ sub }) => sub === claims['sub']);
    return patchedAnswer<JsonMembers>({ ...(user ?? claims) }, behaviour.userinfo);
  }

  introspect(request: LoggedRequest): Answer {
    if (!this.#acceptsClient(request)) return unknownClient;
    const claims = this.mint.claimsOf(request.body['token'] ?? '');
    const body = claims === undefined ? { active: false } : { active: true, ...claims };
    return patchedAnswer<JsonMembers>(body, this.identity.behaviour.introspection);
  }

  revoke(request: LoggedRequest): Answer {
    if (!this.#acceptsClient(request)) return unknownClient;
    this.grants.revoke(request.body['token'] ?? '');
    return { status: 200 };
  }

  #grantTokens(request: LoggedRequest): Answer {
    if (!this.#acceptsClient(request)) return unknownClient;
    const { body: form } = request;
    switch (form['grant_type']) {
      case 'authorization_code':
        return this.#firstTokens(this.grants.redeemCode(form) ?? 'invalid_grant');
      case DEVICE_GRANT:
        return this.#firstTokens(this.grants.redeemDevice(form['device_code'] ?? ''));
      case 'refresh_token':
        return this.#refreshedTokens(form['refresh_token'] ?? '');
      default:
        return refusal('unsupported_grant_type');
    }
  }

  #acceptsClient(request: LoggedRequest): boolean {
    const { clientId, clientSecret, behaviour } = this.identity;
    if (!behaviour.checkClient) return true;
    const { id, secret, method } = clientCredentials(request);
    return id === clientId && (method === 'none' || secret === clientSecret);
  }

  #firstTokens(grant: Grant | string): Answer {
    if (typeof grant === 'string') return refusal(grant);
    if (!this.identity.behaviour.issueRefreshTokens) return this.#tokens(grant, undefined);
    return this.#tokens(grant, this.grants.addRefreshToken(grant));
  }

  #refreshedTokens(token: string): Answer {
    const { rotateRefreshTokens } = this.identity.behaviour;
    const renewed = rotateRefreshTokens ? this.grants.rotate(token) : this.grants.reuse(token);
    if (renewed === undefined) return refusal('invalid_grant');
    const { nonce: _nonce, ...grant } = renewed.grant; // OpenID Connect Core §12.2
    return this.#tokens(grant, renewed.next);
  }

  #tokens(grant: Grant, refreshToken: string | undefined): Answer {
    const { behaviour } = this.identity;
    const withId = grant.scope.split(' ').includes('openid');
    const refresh = { refresh_token: refreshToken, refresh_expires_in: REFRESH_LIFETIME_SEC };
    const body = {
      access_token: this.mint.accessTokenFor(grant),
      token_type: 'Bearer',
      expires_in: behaviour.accessTokenLifetimeSec,
      scope: grant.scope,
      ...(withId ? { id_token: this.mint.idTokenFor(grant) } : {}),
      ...(refreshToken === undefined ? {} : refresh),
    };
    return patchedAnswer(body, behaviour.tokenResponse);
  }
}

const unknownClient: Answer = {
  status: 401,
  body: { error: 'invalid_client', error_description: 'upstream-description-of-invalid-client' },
};

function refusal(error: string): Answer {
  const body = { error, error_description: `upstream-description-of-${error}` };
  return { status: 400, body };
}
