import type { IncomingMessage } from 'node:http';
import { OAuthError } from '../errors/oauth.error.js';
import { isRecord } from '../options/value-rules.js';
import type { Credentials } from '../tokens/identity.js';

/** How a subprotocol carries a token, where a browser can set no header. */
const BEARER_PROTOCOL = 'bearer.';

/** The subprotocols of a handshake without those that carry a token, which are never answered with. */
export function realProtocols(offered: Iterable<string>): string[] {
  return [...offered].filter((protocol) => !protocol.startsWith(BEARER_PROTOCOL));
}

function offeredProtocols(header: string | undefined): string[] {
  return (header ?? '').split(',').flatMap((one) => one.trim() || []);
}

function ofProtocols(header: string | undefined): string[] {
  const offered = offeredProtocols(header);
  const tokens = offered
    .filter((protocol) => protocol.startsWith(BEARER_PROTOCOL))
    .map((protocol) => protocol.slice(BEARER_PROTOCOL.length));
  if (tokens.length > 0 && realProtocols(offered).length === 0) {
    throw new OAuthError(
      'invalid_request',
      'A token in a subprotocol needs another subprotocol beside it',
    );
  }
  return tokens;
}

/** `auth.token` of socket.io, with or without `Bearer`. */
function ofAuth(auth: unknown): string[] {
  const token = isRecord(auth) ? auth['token'] : undefined;
  return typeof token === 'string' ? [token.replace(/^bearer +/i, '')] : [];
}

/**
 * What a handshake brings: its `Authorization` header, `auth.token` of socket.io, or a subprotocol `bearer.<token>`; without one the
 * session cookie. A token in the query does not count.
 *
 * @throws {@link OAuthError} 400 `invalid_request` for more than one, or a subprotocol with a token alone.
 */
export function handshakeCredentials(
  { headers, rawHeaders }: Pick<IncomingMessage, 'headers' | 'rawHeaders'>,
  auth?: unknown,
): Credentials {
  const [token, ...more] = [...ofAuth(auth), ...ofProtocols(headers['sec-websocket-protocol'])];
  if (token === undefined) return { headers, rawHeaders, handshake: true };
  if (more.length > 0 || headers.authorization !== undefined) {
    throw new OAuthError('invalid_request', 'The handshake has more than one token');
  }
  return tokenCredentials(token);
}

export function tokenCredentials(token: string): Credentials {
  return { headers: { authorization: `Bearer ${token}` } };
}
