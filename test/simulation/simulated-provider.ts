import { OAuthError, unavailable } from '../../lib/errors/oauth.error.js';
import type { SessionTokens } from '../../lib/providers/refreshed-tokens.js';
import type { TokenAnswer } from '../../lib/providers/token-answer.js';
import type { Grant, Model } from './model.js';
import type { Mood } from './mood.js';
import type { Random } from './random.js';
import type { SimulatedClock } from './simulated-clock.js';
import type { Process, Timeline } from './timeline.js';

export const PROVIDER_ISSUER = 'https://idp.example.org';

/** A refresh on its way. */
interface Call {
  readonly grant: Grant;
  readonly process: Process;
  readonly until: number;
  over: boolean;
}

/** Whether refresh tokens are replaced at each use, and what becomes of those that were. */
export type Strictness = 'revokes on reuse' | 'refuses used tokens' | 'keeps its tokens';

/** A provider, most often one that rotates its refresh tokens. */
export class SimulatedProvider {
  readonly #tokens = new Map<string, Grant>();
  readonly #calls = new Set<Call>();
  #given = 0;
  /** Whether nothing goes wrong any more. */
  calm = false;
  /** Until when what it gives cannot be written, whatever anybody does. */
  noUseUntil = 0;

  constructor(
    private readonly timeline: Timeline,
    private readonly random: Random,
    private readonly mood: Mood,
    private readonly model: Model,
    private readonly strictness: Strictness,
  ) {}

  grant(user: string, sessionName: string): Grant {
    const grant: Grant = {
      user,
      sessionName,
      revoked: false,
      current: '',
      uncommitted: false,
      holder: undefined,
      received: false,
      excuse: undefined,
    };
    this.#next(grant);
    return grant;
  }

  isAskedBy(process: Process): boolean {
    return [...this.#calls].some((call) => call.process === process);
  }

  /** What is lost when a process stops for long: what it was asking for, and what it had got. */
  interrupted(process: Process, why: string): void {
    for (const { grant, process: of } of this.#calls) if (of === process) this.#lose(grant, why);
    for (const { grant } of this.model.sessions) {
      if (grant.uncommitted && grant.holder === process) this.#lose(grant, why);
    }
  }

  /** What it gave may be lost, and with it the login: not where the token before stays good. */
  #lose(grant: Grant, why: string): void {
    if (this.strictness !== 'keeps its tokens') grant.excuse ??= why;
  }

  revoke(token: string): void {
    const grant = this.#tokens.get(token);
    if (grant !== undefined) grant.revoked = true;
  }

  /** A refresh, as a process sees it: its call ends by the deadline. */
  async refresh(
    process: Process,
    clock: SimulatedClock,
    { refreshToken, scope, deadline }: SessionTokens,
  ): Promise<TokenAnswer> {
    const grant = this.#tokens.get(refreshToken);
    if (grant === undefined) throw new TypeError('No such token was given out');
    const call = { grant, process, until: this.timeline.now + deadline.leftMs(), over: false };
    for (const other of this.#calls) {
      const underWay = !other.over && other.process.alive && other.until > this.timeline.now;
      if (other.grant === grant && underWay) {
        this.model.violated(`two ask at once for ${grant.sessionName}`);
      }
    }
    this.#calls.add(call);
    try {
      const answer = await clock.within(
        deadline.leftMs(),
        this.#exchange(call, refreshToken, scope),
      );
      grant.received = true;
      return answer;
    } catch (error) {
      throw error instanceof OAuthError ? error : unavailable(error);
    } finally {
      call.over = true;
      this.#calls.delete(call);
    }
  }

  #exchange(call: Call, token: string, scope: string): Promise<TokenAnswer> {
    const { random, mood, timeline } = this;
    const { grant, process } = call;
    const fails = !this.calm && random.chance(mood.providerFails);
    const hiccup = !this.calm && random.chance(mood.providerHiccup);
    const lost = !this.calm && random.chance(mood.providerAnswerLost);
    const slow = random.chance(0.15);
    const thereMs = random.between(20, slow ? 2000 : 300);
    const backMs = hiccup ? random.between(4000, 7000) : random.between(20, slow ? 2000 : 300);
    return new Promise((resolve, reject) => {
      const back = (run: () => void) => timeline.after(backMs, run, process);
      const arrived = () => {
        if (fails) return back(() => reject(unavailable('HTTP 503')));
        if (hiccup) return back(() => reject(this.#endedByMistake(grant)));
        const answer = this.#rotated(call, token, scope);
        if (answer === undefined) {
          return back(() => reject(new OAuthError('invalid_grant', 'used or revoked')));
        }
        if (lost) this.#lose(grant, 'an answer of the provider was lost');
        if (timeline.now < this.noUseUntil) this.#lose(grant, 'the store was away for long');
        return lost ? undefined : back(() => resolve(answer));
      };
      timeline.after(thereMs, arrived);
    });
  }

  /** It is said that a session is over which is not; whoever hears it may end it, as long as nobody else went on. */
  #endedByMistake(grant: Grant): OAuthError {
    const session = this.model.sessions.find((one) => one.grant === grant);
    if (session !== undefined) session.endedByProviderAfter = session.commits;
    return new OAuthError('invalid_grant', 'a hiccup');
  }

  #rotated({ grant, process }: Call, token: string, scope: string): TokenAnswer | undefined {
    if (grant.revoked) return undefined;
    if (grant.current !== token) {
      this.model.note(`the provider sees a used token of ${grant.sessionName}`);
      if (this.strictness === 'revokes on reuse') grant.revoked = true;
      return undefined;
    }
    if (this.strictness === 'keeps its tokens') return this.answer(grant, scope);
    this.#next(grant);
    grant.uncommitted = true;
    grant.holder = process;
    grant.received = false;
    return this.answer(grant, scope);
  }

  answer(grant: Grant, scope: string): TokenAnswer {
    this.#given += 1;
    const base = Date.UTC(2030, 0, 1) + this.timeline.now;
    return {
      accessToken: `access ${this.#given} of ${grant.sessionName}`,
      expiresAt: Math.floor((base + this.mood.accessTokenMs) / 1000),
      refreshToken: grant.current,
      refreshExpiresAt: undefined,
      refreshExpiryStated: false,
      scope,
      idToken: undefined,
      idTokenClaims: undefined,
    };
  }

  #next(grant: Grant): void {
    this.#given += 1;
    grant.current = `token ${this.#given} of ${grant.sessionName}`;
    this.#tokens.set(grant.current, grant);
  }
}

/** The provider as the library's own classes know it, at one process. */
export function providerAt(provider: SimulatedProvider, process: Process, clock: SimulatedClock) {
  return {
    name: 'default',
    prepare: () => Promise.resolve(),
    issuers: () => Promise.resolve([PROVIDER_ISSUER]),
    tenantOf: () => Promise.resolve(undefined),
    named: () => Promise.resolve(undefined),
    userinfo: (_token: string, sub: string) => Promise.resolve({ sub, groups: ['staff'] }),
    refreshOf: (tokens: SessionTokens) => provider.refresh(process, clock, tokens),
    revoke: async (token: string) => {
      await clock.sleep(100);
      provider.revoke(token);
    },
  };
}
