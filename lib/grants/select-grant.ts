import { OAuthError } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import { protocolWord } from '../errors/shown-value.js';
import type { LoginClient } from '../login/login-client.js';
import type { ResolvedOptions } from '../options/resolve-options.js';

/** The form of the token route. The reference's hyphenated spellings arrive as these. */
export interface TokenRequest {
  readonly grantType?: string | undefined;
  readonly code?: string | undefined;
  readonly redirectUri?: string | undefined;
  /** The client's own verifier, or the handle of the login. */
  readonly codeVerifier?: string | undefined;
  /** As it came back from the identity provider, whole. */
  readonly state?: string | undefined;
  /** `iss` of the authorization response (RFC 9207), where there are several identity providers. */
  readonly iss?: string | undefined;
  readonly refreshToken?: string | undefined;
  readonly deviceCode?: string | undefined;
  readonly subjectToken?: string | undefined;
  readonly subjectTokenType?: string | undefined;
  readonly requestedTokenType?: string | undefined;
  readonly actorToken?: string | undefined;
  readonly audience?: string | undefined;
  readonly resource?: string | undefined;
  readonly scope?: string | undefined;
  /** Who sent it. */
  readonly client?: Omit<LoginClient, 'key'> | undefined;
  /** All that came under the header `DPoP` (RFC 9449 §5): broker mode binds what it issues to the key of that proof. */
  readonly dpopProofs?: readonly string[] | undefined;
}

/** A request whose client has proved to hold a key, or brought no proof. */
export interface ProvedTokenRequest extends Omit<TokenRequest, 'client'> {
  readonly client: LoginClient;
}

/** A request for exactly one grant. */
export type SelectedGrant =
  | { readonly grant: 'authorizationCode'; readonly code: string }
  | { readonly grant: 'refresh'; readonly refreshToken: string }
  | { readonly grant: 'device'; readonly deviceCode: string }
  | { readonly grant: 'exchange'; readonly subjectToken: string };

const GRANT_FIELDS = ['code', 'refreshToken', 'deviceCode', 'subjectToken'] as const;

const GRANT_OF_TYPE: Readonly<Record<string, string>> = {
  authorization_code: 'authorizationCode',
  refresh_token: 'refresh',
  'urn:ietf:params:oauth:grant-type:device_code': 'device',
  'urn:ietf:params:oauth:grant-type:token-exchange': 'exchange',
};

function unsupported(cause: Reason): OAuthError {
  return new OAuthError('unsupported_grant_type', 'This grant is not offered here', { cause });
}

function grantOf(request: TokenRequest): SelectedGrant | undefined {
  const found: SelectedGrant[] = [];
  const { code, refreshToken, deviceCode, subjectToken } = request;
  if (code !== undefined) found.push({ grant: 'authorizationCode', code });
  if (refreshToken !== undefined) found.push({ grant: 'refresh', refreshToken });
  if (deviceCode !== undefined) found.push({ grant: 'device', deviceCode });
  if (subjectToken !== undefined) found.push({ grant: 'exchange', subjectToken });
  return found.length === 1 ? found[0] : undefined;
}

/**
 * Which grant a token request is for: exactly one of code, refresh token, device code and subject token decides, and
 * `grant_type`, when it is there, must say the same.
 *
 * @throws {@link OAuthError} 400 `invalid_request` when that is ambiguous, 400 `unsupported_grant_type` when the grant is
 * unknown or switched off.
 */
export function selectGrant(
  request: TokenRequest,
  grants: ResolvedOptions['grants'],
): SelectedGrant {
  const { grantType } = request;
  const named =
    grantType !== undefined && Object.hasOwn(GRANT_OF_TYPE, grantType)
      ? GRANT_OF_TYPE[grantType]
      : undefined;
  if (grantType !== undefined && named === undefined) {
    const details = { expected: Object.keys(GRANT_OF_TYPE), came: protocolWord(grantType) };
    throw unsupported(new Reason('grant_type is unknown', details));
  }
  const selected = grantOf(request);
  if (selected === undefined) {
    const text = 'Send exactly one of code, refresh_token, device_code and subject_token';
    const came = GRANT_FIELDS.filter((name) => request[name] !== undefined);
    throw new OAuthError('invalid_request', text, {
      cause: new Reason('not exactly one grant', { came }),
    });
  }
  if (named !== undefined && named !== selected.grant) {
    throw new OAuthError('invalid_request', 'grant_type does not belong to the other parameters', {
      cause: new Reason('grant_type of another grant', { expected: selected.grant, came: named }),
    });
  }
  if (!grants[selected.grant]) {
    throw unsupported(new Reason('the grant is off', { option: `"grants.${selected.grant}"` }));
  }
  return selected;
}
