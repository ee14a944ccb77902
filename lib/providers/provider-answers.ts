import { isRecord } from '../options/value-rules.js';
import { normaliseDeviceBody, normaliseTokenBody } from './token-answer.js';

/** Codes of single providers for what RFC 8628 §3.5 and RFC 6749 §5.2 have a code for. */
const OTHER_CODES: Readonly<Record<string, string>> = {
  authorization_declined: 'access_denied', // Entra ID
  bad_verification_code: 'invalid_grant', // Entra ID
  rate_limit_exceeded: 'temporarily_unavailable', // Google, as `error_code`
};

function withKnownCode(body: Record<string, unknown>): Record<string, unknown> {
  const { error_code: other } = body;
  const code = body['error'] ?? other;
  if (typeof code !== 'string' || !Object.hasOwn(OTHER_CODES, code)) return body;
  return { ...body, error: OTHER_CODES[code] };
}

/**
 * Makes an answer to a form of ours readable for openid-client: of the token, device authorization and revocation endpoints,
 * good or bad. The body decides, whatever its label and the challenge beside it say: it is the body that tells a grant that is
 * over from a failure. What is no JSON object is left as it came.
 */
export async function readableAnswer(response: Response): Promise<Response> {
  const body: unknown = await response
    .clone()
    .json()
    .catch(() => undefined);
  if (!isRecord(body)) return response;
  const { status } = response;
  if (status !== 200) return Response.json(withKnownCode(body), { status });
  return Response.json(normaliseDeviceBody(normaliseTokenBody(body)));
}
