import { OAuthError, badUpstreamAnswer } from '../errors/oauth.error.js';
import { isTrustworthyUrl, parseUrl } from '../options/url-rules.js';
import type { ProviderConnection } from './provider-connection.js';
import { withResource } from './request-parameters.js';
import { receiveTokens } from './received-tokens.js';
import type { TokenAnswer } from './token-answer.js';
import { isNoAnswer } from './upstream-refusal.js';

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

/** RFC 8628 §3.2. */
export interface DeviceAuthorization {
  readonly device_code: string;
  readonly user_code: string;
  readonly verification_uri: string;
  readonly verification_uri_complete?: string;
  readonly expires_in: number;
  readonly interval: number;
}

function notOffered(cause?: unknown): OAuthError {
  const text = 'The identity provider offers no device login';
  return new OAuthError('temporarily_unavailable', text, { cause });
}

/** @throws {@link OAuthError} 503 without a device endpoint, 502 for an answer that lacks what RFC 8628 §3.2 requires. */
export async function startDeviceLogin(
  connection: ProviderConnection,
  scope: string,
  allowInsecureHttp: boolean,
): Promise<DeviceAuthorization> {
  const { endpoints } = await connection.metadata();
  if (endpoints.deviceAuthorization === undefined) throw notOffered();
  const call = { endpoint: 'deviceAuthorization', grant: DEVICE_GRANT } as const;
  const answer = await connection
    .ask(call, (configuration, { initiateDeviceAuthorization }) =>
      initiateDeviceAuthorization(configuration, withResource({ scope }, connection.resource)),
    )
    .catch((error: unknown) => {
      const unknown = error instanceof OAuthError && error.error === 'unsupported_grant_type';
      throw unknown ? notOffered(error) : error;
    });
  for (const uri of [answer.verification_uri, answer.verification_uri_complete]) {
    if (uri === undefined) continue;
    const url = parseUrl(uri);
    if (url === undefined || !isTrustworthyUrl(url, allowInsecureHttp)) {
      throw badUpstreamAnswer('verification_uri');
    }
  }
  return {
    device_code: answer.device_code,
    user_code: answer.user_code,
    verification_uri: answer.verification_uri,
    ...(answer.verification_uri_complete === undefined
      ? {}
      : { verification_uri_complete: answer.verification_uri_complete }),
    expires_in: Math.floor(answer.expires_in),
    interval: Math.max(1, Math.ceil(answer.interval ?? 5)),
  };
}

/**
 * One poll; pending logins come back as {@link OAuthError} with the codes of RFC 8628 §3.5. A provider that does not answer,
 * or with nonsense, counts as busy: polling clients give up on everything that RFC does not name.
 */
export async function pollDeviceLogin(
  connection: ProviderConnection,
  deviceCode: string,
): Promise<TokenAnswer> {
  try {
    await connection.prepare();
    const parameters = withResource({ device_code: deviceCode }, connection.resource);
    const answer = await connection.ask(
      { endpoint: 'token', grant: DEVICE_GRANT },
      (configuration, { genericGrantRequest }) =>
        genericGrantRequest(configuration, DEVICE_GRANT, parameters),
    );
    return await receiveTokens(connection, answer, { scope: undefined });
  } catch (error) {
    if (!isNoAnswer(error)) throw error;
    throw new OAuthError('slow_down', 'Poll less often', { cause: error });
  }
}
