import { OAuthError } from '../errors/oauth.error.js';
import { OidcConfigError } from '../errors/oidc-config.error.js';
import { Reason } from '../errors/reason.js';
import type { TimeRules } from './check-claims.js';
import type { Identity } from './identity.js';

/** What is demanded of how, and how recently, a caller logged in (RFC 9470). */
export interface StepUp {
  /** Lists of authentication context class references, of each of which `acr` must be one. */
  readonly acrs: readonly (readonly string[])[];
  /** How long ago the login may have been, in seconds; `undefined`: any time. */
  readonly maxAgeSec: number | undefined;
}

/** What a challenge, or an authorization request, says of it. */
export interface WantedLogin {
  readonly acrValues: readonly string[];
  readonly maxAgeSec: number | undefined;
}

/** A refusal that a stronger or more recent login mends (RFC 9470 §3). */
export class StepUpRefusal extends OAuthError {
  constructor(
    wanted: WantedLogin,
    /** Name of the identity provider that the caller logged in with, and would log in with again. */
    readonly provider: string | undefined,
    cause: Reason,
  ) {
    super('insufficient_user_authentication', `This needs ${words(wanted)}`, { ...wanted, cause });
  }
}

function words({ acrValues, maxAgeSec }: WantedLogin): string {
  const acr = acrValues.length === 0 ? [] : [`with acr ${acrValues.join(' or ')}`];
  const age = maxAgeSec === undefined ? [] : [`no older than ${maxAgeSec} s`];
  return `a login ${[...acr, ...age].join(', ')}`;
}

/** The values of `acr` that are in each of the lists, in the order of the first. */
export function commonAcrs([first = [], ...others]: StepUp['acrs']): readonly string[] {
  return first.filter((acr) => others.every((list) => list.includes(acr)));
}

/** `undefined` where nothing is demanded. */
export function wantedLogin({ acrs, maxAgeSec }: StepUp): WantedLogin | undefined {
  if (acrs.length === 0 && maxAgeSec === undefined) return undefined;
  return { acrValues: commonAcrs(acrs), maxAgeSec };
}

/** What several rules demand together. */
export function sumOfStepUps(rules: readonly StepUp[]): StepUp {
  const ages = rules.flatMap(({ maxAgeSec }) => (maxAgeSec === undefined ? [] : [maxAgeSec]));
  return {
    acrs: rules.flatMap(({ acrs }) => acrs),
    maxAgeSec: ages.length === 0 ? undefined : Math.min(...ages),
  };
}

/** What a challenge can say: it separates values by spaces, and quotes them (RFC 9470 §3). */
const ACR = /^[\x21\x23-\x5b\x5d-\x7e]{1,255}$/;

/** @throws {@link OidcConfigError} for an empty demand, or one that nobody could be told of. */
export function checkStepUp(acr: unknown, maxAgeSec: unknown): StepUp {
  return { acrs: acr === undefined ? [] : [acrList(acr)], maxAgeSec: checkedAge(maxAgeSec) };
}

function acrList(given: unknown): readonly string[] {
  const list: readonly unknown[] = typeof given === 'string' ? given.split(' ') : [given].flat();
  const acrs = list.filter((acr) => typeof acr === 'string' && acr !== '');
  const isWhole = list.every((acr) => acr === '' || (typeof acr === 'string' && ACR.test(acr)));
  if (isWhole && acrs.length > 0) return acrs.map(String);
  throw new OidcConfigError(
    '@Auth({ acr }) is empty or holds something that is no acr value (texts without blanks and quotes, 255 characters at most). Name one at ' +
      'least, as the provider writes it into the claim "acr", or leave it out.',
  );
}

function checkedAge(given: unknown): number | undefined {
  if (given === undefined) return undefined;
  if (typeof given === 'number' && Number.isSafeInteger(given) && given > 0) return given;
  const got = typeof given === 'number' ? String(given) : typeof given;
  throw new OidcConfigError(
    `@Auth({ maxAgeSec }) must be a whole number of seconds, 1 at least; got ${got}.`,
  );
}

/**
 * Holds a caller against what is demanded of the login. Claims that are not there meet nothing.
 *
 * @throws {@link StepUpRefusal} 401 `insufficient_user_authentication`
 */
export function checkLogin(
  { claims, provider }: Pick<Identity, 'claims' | 'provider'>,
  demand: StepUp,
  times: Pick<TimeRules, 'nowSec' | 'toleranceSec'>,
): void {
  const wanted = wantedLogin(demand);
  if (wanted === undefined) return;
  const { acr: came, auth_time: authTime } = claims;
  const unmet = demand.acrs.find((list) => !list.some((one) => one === came));
  if (unmet !== undefined) {
    const option = '@Auth({ acr })';
    throw new StepUpRefusal(wanted, provider, new Reason('acr', { expected: unmet, came, option }));
  }
  const { maxAgeSec } = wanted;
  if (maxAgeSec === undefined) return;
  const { nowSec, toleranceSec } = times;
  const isKnown = typeof authTime === 'number' && authTime <= nowSec + toleranceSec;
  if (isKnown && authTime >= nowSec - maxAgeSec - toleranceSec) return;
  const expected = `${nowSec - maxAgeSec} or later`;
  const cause = new Reason('auth_time', {
    expected,
    came: authTime,
    option: '@Auth({ maxAgeSec })',
  });
  throw new StepUpRefusal(wanted, provider, cause);
}
