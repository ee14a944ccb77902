import { OAuthError } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';

/** Tokens and answers of the provider that claims are read from. */
export type ClaimSource = 'ID token' | 'logout token' | 'userinfo';

/** Claims whose values are shown: none of them is a secret or says anything of a person. */
const SHOWN = new Set(['iss', 'aud', 'azp', 'alg', 'typ', 'exp', 'iat', 'nbf', 'auth_time', 'acr']);
const OPTIONS: Readonly<Record<string, string>> = {
  iss: '"issuer"',
  aud: '"clientId"',
  azp: '"clientId"',
  alg: '"idTokenAlgorithms"',
  exp: '"clockToleranceSec"',
  iat: '"clockToleranceSec"',
  nbf: '"clockToleranceSec"',
};

const ANCHORS = {
  'ID token': 'reason-of-the-id-token',
  'logout token': 'reason-of-the-logout-token',
  userinfo: 'reason-of-the-userinfo',
} as const satisfies Record<ClaimSource, string>;

/** Claims that are held against our clock. */
const TIMES = new Set(['exp', 'iat', 'nbf', 'auth_time']);
const CLOCKS = 'keep the clocks here and at the provider right by NTP';

/** The event of a refusal is cut too, and must show what was expected beside what came. */
const LONGEST_VALUE = 80;

const cut = (value: unknown) => (typeof value === 'string' ? value.slice(0, LONGEST_VALUE) : value);

const nameOf = (claim: string, source: ClaimSource) => `${claim} of the ${source}`;

/** Why a token of the provider does not hold: the claim, what was expected and, where that may be shown, what came. */
export function claimReason(
  source: ClaimSource,
  claim: string,
  values: { expected?: unknown; came?: unknown } = {},
): Reason {
  const option = OPTIONS[claim];
  const shown = SHOWN.has(claim) ? values : {};
  return new Reason(nameOf(claim, source), {
    ...shown,
    ...('came' in shown ? { came: cut(shown.came) } : {}),
    ...(option === undefined ? {} : { option }),
    ...(TIMES.has(claim) && typeof values.came === 'number' ? { mend: CLOCKS } : {}),
    anchor: ANCHORS[source],
  });
}

/** Whether an ID token was refused for this claim. */
export function isForClaim(error: unknown, claim: string): error is OAuthError {
  if (!(error instanceof OAuthError)) return false;
  return error.cause instanceof Reason && error.cause.name === nameOf(claim, 'ID token');
}
