import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
import { OAuthError } from '../../lib/errors/oauth.error.js';
import { Instance, OWN_ISSUER, type Surroundings, refreshTokenReader } from './instance.js';
import { type MintedClaims, Model, type ModelSession } from './model.js';
import { type Mood, moodOf } from './mood.js';
import { Random } from './random.js';
import { PROVIDER_ISSUER, SimulatedProvider } from './simulated-provider.js';
import type { StoreWorld } from './simulated-store.js';
import { Process, Timeline } from './timeline.js';

const INSTANCES = 3;
const BUSY_MS = 60_000;
/** From then on nobody does anything any more. */
const QUIET_MS = 2 * BUSY_MS;
const LONGEST_MS = 3 * 3600_000;
const CLIENT_PATIENCE_MS = 60_000;
const PULL_EVERY_MS = 8000;
const LATE_PULL_MS = 1500;
const HEALING_MS = 20_000;
const SHORT_OUTAGE_MS = 1500;

/** How a request to an instance ended. */
type Outcome<T> =
  | { readonly status: 200; readonly value: T }
  | { readonly status: 400 }
  /** 503, no connection, no answer: nobody knows what became of it. */
  | { readonly status: 503 };

/** What happened in a schedule. */
export interface Story {
  readonly mood: string;
  /** The first thing that must not be; `undefined` when there was none. */
  readonly violation: string | undefined;
  readonly trace: readonly string[];
}

/** One schedule: three instances of an application, a few users, and what the seed does to them. */
export class World {
  readonly #timeline = new Timeline();
  readonly #random: Random;
  readonly #mood: Mood;
  readonly #model: Model;
  readonly #provider: SimulatedProvider;
  readonly #storeWorld: StoreWorld;
  readonly #surroundings: Surroundings;
  readonly #instances: Instance[] = [];
  readonly #minted: MintedClaims[] = [];
  readonly #lifetimes: readonly number[];
  #names = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.#mood = moodOf(this.#random);
    const [timeline, random, mood] = [this.#timeline, this.#random, this.#mood];
    this.#model = new Model(timeline, refreshTokenReader());
    const model = this.#model;
    const strictness = random.pick(['revokes on reuse', 'refuses used tokens'] as const);
    this.#provider = new SimulatedProvider(timeline, random, mood, model, strictness);
    const store = new MemoryBrokerStore();
    this.#storeWorld = { store, timeline, random, mood, model, downUntil: 0, calm: false };
    const [storeWorld, provider] = [this.#storeWorld, this.#provider];
    this.#surroundings = { timeline, storeWorld, provider };
    this.#lifetimes = mood.rollingUpdate
      ? random.pick([
          [3600, 60],
          [60, 3600],
        ])
      : [600];
  }

  /** Runs it to its end. */
  async run(): Promise<Story> {
    const random = Math.random;
    Math.random = () => this.#random.next();
    try {
      await this.#timeline.run(this.#tell(), LONGEST_MS);
    } catch (error) {
      this.#model.violated(error instanceof Error ? (error.stack ?? error.message) : String(error));
    } finally {
      Math.random = random;
    }
    const { violation, trace } = this.#model;
    return { mood: this.#mood.name, violation, trace };
  }

  async #tell(): Promise<void> {
    const side = this.#random.pick([-1, 1]); // ahead of the provider, or behind it
    for (let at = 0; at < INSTANCES; at += 1) {
      this.#start(at, side * this.#random.between(0, 5000));
    }
    const users = Array.from({ length: 2 }, (_, at) => this.#user(`user-${at + 1}`));
    const faults = [this.#outages(), this.#accidents(), this.#administrator(), this.#guards()];
    await Promise.all([...users, ...faults]);
    await this.#heal();
    for (const session of this.#model.sessions) await this.#comesBack(session);
    this.#model.finish();
  }

  #start(at: number, offsetMs: number): void {
    this.#names += 1;
    const process = new Process(`instance ${at + 1}${'′'.repeat(this.#names - at - 1)}`, offsetMs);
    const lifetimeSec = this.#lifetimes[at % this.#lifetimes.length] ?? 600;
    const instance = new Instance(process, lifetimeSec, this.#surroundings);
    this.#instances[at] = instance;
    instance.events.on('session-ended', ({ session, reason }) => {
      const ended = this.#model.heard(session);
      if (ended !== undefined) {
        ended.events += 1;
        ended.toBeTold ||= reason === 'logout' || reason === 'revoked';
      }
      this.#model.note(`${process.name} tells that ${ended?.name ?? '?'} ended: ${reason}`);
    });
    instance.events.on('renewal-lost', ({ session }) => {
      this.#model.note(
        `${process.name} lost a renewal of ${this.#model.heard(session)?.name ?? '?'}`,
      );
    });
    this.#timeline.after(0, () => void this.#upkeep(instance), process);
  }

  /** Pulls what others did, as an instance does every few seconds. */
  async #upkeep(instance: Instance): Promise<void> {
    await instance.start();
    for (;;) {
      const began = this.#timeline.now;
      try {
        await Promise.all([instance.revocations.pull(), instance.keys.refresh()]);
        const late = this.#timeline.now - began > LATE_PULL_MS;
        instance.knowsSince = late ? this.#timeline.now : Math.min(instance.knowsSince, began);
      } catch {
        instance.knowsSince = Infinity;
      }
      // What happens later is known already.
      const everyMs = this.#timeline.now < QUIET_MS ? PULL_EVERY_MS : 10 * PULL_EVERY_MS;
      await instance.clock.sleep(everyMs * (0.85 + Math.random() * 0.15));
    }
  }

  /** A user, who logs in and comes back now and then, with one tab or several. */
  async #user(user: string): Promise<void> {
    for (let login = 1; this.#timeline.now < BUSY_MS; login += 1) {
      const session = await this.#login(user, `${user}/${login}`);
      if (session !== undefined) await this.#stay(session);
      await this.#pause();
    }
  }

  /** Comes back until it is over, and once more: to find that out. */
  async #stay(session: ModelSession): Promise<void> {
    let over = false;
    while (!over && this.#timeline.now < BUSY_MS) {
      await this.#pause();
      over = session.endedAt !== undefined;
      await this.#visit(session);
    }
  }

  async #visit(session: ModelSession): Promise<void> {
    const act = this.#random.next();
    if (act < 0.1) return this.#askForProviderToken(session);
    if (act < 0.15) return this.#replay(session);
    if (act < 0.2) return this.#logout(session);
    await this.#tabs(session);
  }

  #pause(): Promise<void> {
    return this.#timeline.sleep(this.#random.between(0.2, 1.8) * this.#mood.pauseMs);
  }

  async #login(user: string, name: string): Promise<ModelSession | undefined> {
    const grant = this.#provider.grant(user, name);
    const at = this.#somewhere();
    const answer = this.#provider.answer(grant, 'openid profile');
    const outcome = await this.#request(at, () =>
      at.sessions.create({
        loginId: name,
        provider: 'default',
        issuer: PROVIDER_ISSUER,
        providerSession: undefined,
        content: {
          provider: {
            accessToken: answer.accessToken,
            accessExpiresAt: answer.expiresAt,
            refreshToken: answer.refreshToken,
            refreshExpiresAt: undefined,
            idToken: undefined,
          },
          providerSubject: user,
          claims: { sub: user, roles: ['staff'] },
          profile: {},
          said: {},
          scope: 'openid profile',
        },
      }),
    );
    if (outcome.status !== 200 || outcome.value === undefined) return undefined;
    const { session, content } = outcome.value;
    const token = content.refreshToken ?? '';
    this.#model.note(`${name} begins at ${at.process.name}`);
    const opened = this.#model.open({ name, id: session.id, user, grant, token });
    this.#model.received(opened, token);
    await this.#mint(opened, at);
    return opened;
  }

  /** One refresh token, used by several tabs at several instances. */
  async #tabs(session: ModelSession): Promise<void> {
    const token = session.token;
    const tabs = Array.from({ length: this.#random.pick([1, 1, 2, 3]) }, async (_, tab) => {
      await this.#timeline.sleep(tab === 0 ? 0 : this.#random.between(0, this.#mood.tabsMs));
      await this.#use(session, token);
      // An answer that got lost between client and instance: the client asks again.
      if (this.#random.chance(0.1)) await this.#use(session, token);
    });
    // And meanwhile the host asks for the provider's token.
    if (this.#random.chance(0.3)) {
      tabs.push(
        this.#timeline
          .sleep(this.#random.between(0, 1500))
          .then(() => this.#askForProviderToken(session)),
      );
    }
    await Promise.all(tabs);
  }

  async #use(
    session: ModelSession,
    token: string,
    at = this.#somewhere(),
  ): Promise<Outcome<string>> {
    const generation = this.#model.generationOf(token);
    session.inUse.push(generation);
    const outcome = await this.#request(at, async () => {
      const { content } = await at.refresh.refresh(token);
      return content.refreshToken ?? '';
    });
    session.inUse.splice(session.inUse.indexOf(generation), 1);
    this.#model.note(
      `${session.name} refreshes ${generation} at ${at.process.name}: ${outcome.status}`,
    );
    if (outcome.status === 200) {
      this.#model.received(session, outcome.value);
      await this.#mint(session, at);
    }
    this.#answered(session, 'a refresh', outcome);
    return outcome;
  }

  async #askForProviderToken(session: ModelSession): Promise<void> {
    const at = this.#somewhere();
    const outcome = await this.#request(at, () => at.refresh.providerAccessToken(session.id));
    this.#model.note(
      `${session.name} gets a provider's token at ${at.process.name}: ${outcome.status}`,
    );
    this.#answered(session, 'a token of the provider', outcome);
  }

  /** Somebody uses a refresh token long after it was replaced. */
  async #replay(session: ModelSession): Promise<void> {
    const old = [...session.tokens].find(([generation]) => {
      const at = session.replacedAt.get(generation);
      return at !== undefined && this.#timeline.now - at > 45_000;
    });
    if (old === undefined) return;
    session.unwanted = true;
    const [, token] = old;
    const outcome = await this.#use(session, token);
    if (outcome.status === 200)
      this.#model.violated(`a replayed token of ${session.name} was good`);
  }

  async #logout(session: ModelSession): Promise<void> {
    session.unwanted = true;
    const at = this.#somewhere();
    await this.#end(session, at, async () => {
      const found = await at.sessions.find(session.id);
      return found !== undefined && (await at.sessions.end(found, 'logout')) ? 1 : 0;
    });
  }

  async #end(session: ModelSession, at: Instance, work: () => Promise<number>): Promise<void> {
    const outcome = await this.#request(at, work);
    const heard = outcome.status === 200 ? String(outcome.value) : 'nothing';
    this.#model.note(`${session.name} is to end at ${at.process.name}: ${heard}`);
    if (outcome.status === 200) session.told += outcome.value;
    else session.untold += 1;
  }

  /** Ends all sessions of a user, and replaces signing keys. */
  async #administrator(): Promise<void> {
    while (this.#timeline.now < BUSY_MS) {
      await this.#timeline.sleep(this.#random.between(10_000, 60_000));
      const at = this.#somewhere();
      if (this.#random.chance(0.6)) await this.#endAll(at);
      else await this.#retireKey(at);
    }
  }

  async #endAll(at: Instance): Promise<void> {
    const { sessions } = this.#model;
    if (sessions.length === 0) return;
    const { user } = this.#random.pick(sessions);
    const theirs = sessions.filter((one) => one.user === user);
    const alive = theirs.filter((one) => one.endedAt === undefined);
    for (const session of theirs) {
      session.unwanted = true;
    }
    this.#model.usersEnding.add(user);
    const outcome = await this.#request(at, () => at.users.endAll(user));
    this.#model.usersEnding.delete(user);
    const heard = outcome.status === 200 ? String(outcome.value) : 'nothing';
    this.#model.note(`all of ${user} are to end at ${at.process.name}: ${heard}`);
    // Of more than one the number does not say which, nor of logins meanwhile.
    const [only] = alive;
    const later = sessions.filter((one) => one.user === user).length > theirs.length;
    if (only !== undefined && alive.length === 1 && !later && outcome.status === 200) {
      only.told += outcome.value;
      return;
    }
    for (const session of alive) session.untold += 1;
  }

  async #retireKey(at: Instance): Promise<void> {
    const kid = await this.#request(at, async () => (await at.keys.current()).kid);
    if (kid.status !== 200) return;
    const outcome = await this.#request(at, () => at.keys.retire(kid.value));
    this.#model.note(`a signing key is retired at ${at.process.name}: ${outcome.status}`);
    if (outcome.status === 200) this.#model.retiredAt.set(kid.value, this.#timeline.now);
    else this.#model.doubtfulKeys.add(kid.value);
  }

  /** What a token says, as it would be minted; the signature would only take time. */
  async #mint(session: ModelSession, at: Instance): Promise<void> {
    const key = await this.#request(at, () => at.keys.current());
    if (key.status !== 200) return;
    const { kid, tokenLifetimeSec = Infinity } = key.value;
    const iat = Math.floor(at.clock.now().getTime() / 1000);
    const exp = iat + Math.min(at.lifetimeSec, tokenLifetimeSec);
    const jti = `${session.name} ${this.#minted.length}`;
    this.#minted.push({ session, sid: session.id, jti, sub: session.user, iat, exp, kid });
  }

  /** Tokens are presented to guards. */
  async #guards(): Promise<void> {
    const until = this.#mood.rollingUpdate ? BUSY_MS + 4000_000 : BUSY_MS;
    while (this.#timeline.now < until) {
      const busy = this.#timeline.now < BUSY_MS;
      await this.#timeline.sleep(this.#random.between(500, busy ? 4000 : 400_000));
      if (this.#minted.length > 0)
        await this.#present(this.#random.pick(this.#minted), this.#somewhere());
    }
  }

  async #present(claims: MintedClaims, at: Instance): Promise<void> {
    const { knowsSince } = at;
    const outcome = await this.#request(at, async () => {
      const nowSec = at.clock.now().getTime() / 1000;
      if (claims.exp + 5 < nowSec) return 'expired';
      const issuer = await at.own.named(OWN_ISSUER);
      const keys = await issuer?.keys.candidates({ alg: 'ES256', kid: claims.kid });
      if (keys?.length !== 1) return 'unknown key';
      const whole = { ...claims, session: undefined, iss: OWN_ISSUER, aud: 'myapp-api' };
      return issuer?.accepts?.(whole) === true ? 'taken' : 'refused';
    });
    if (outcome.status !== 200 || outcome.value === 'expired') return;
    if (outcome.value === 'unknown key' && !this.#model.retiredAt.has(claims.kid)) return; // too new for it
    this.#model.judged(claims, outcome.value === 'taken', knowsSince);
  }

  /** The database goes away: shortly, which must harm nobody, or for long. */
  async #outages(): Promise<void> {
    const { shortOutages, longOutages } = this.#mood;
    const perMinute = shortOutages + longOutages;
    if (perMinute === 0) return;
    while (this.#timeline.now < BUSY_MS) {
      await this.#timeline.sleep((this.#random.between(0.2, 1.8) * 60_000) / perMinute);
      const long = this.#random.chance(longOutages / perMinute);
      const ms = long
        ? this.#random.between(3000, 40_000)
        : this.#random.between(100, SHORT_OUTAGE_MS);
      this.#model.note(`the database is away for ${Math.round(ms)} ms`);
      this.#storeWorld.downUntil = this.#timeline.now + ms;
      if (long) {
        this.#provider.noUseUntil = this.#storeWorld.downUntil;
        for (const { grant } of this.#model.sessions) {
          if (grant.uncommitted) grant.excuse ??= 'the store was away for long';
        }
      }
    }
  }

  /** Processes freeze, and are killed and started again. */
  async #accidents(): Promise<void> {
    const { freezes, kills } = this.#mood;
    const perMinute = freezes + kills;
    if (perMinute === 0) return;
    while (this.#timeline.now < BUSY_MS) {
      await this.#timeline.sleep((this.#random.between(0.2, 1.8) * 60_000) / perMinute);
      const at = Math.floor(this.#random.next() * INSTANCES);
      const instance = this.#instances[at];
      if (instance === undefined) continue;
      if (this.#random.chance(kills / perMinute)) await this.#kill(at, instance);
      else this.#freeze(instance);
    }
  }

  #freeze(instance: Instance): void {
    const { process } = instance;
    const ms = this.#random.between(500, 25_000);
    this.#model.note(`${process.name} freezes for ${Math.round(ms)} ms`);
    process.frozenUntil = this.#timeline.now + ms;
    instance.knowsSince = Infinity;
    this.#provider.interrupted(process, 'its holder froze');
  }

  async #kill(at: number, instance: Instance): Promise<void> {
    this.#model.note(`${instance.process.name} is killed`);
    instance.process.alive = false;
    this.#provider.interrupted(instance.process, 'its holder was killed');
    await this.#timeline.sleep(this.#random.between(100, 5000));
    this.#start(at, instance.process.offsetMs);
  }

  async #heal(): Promise<void> {
    this.#storeWorld.calm = true;
    this.#provider.calm = true;
    await this.#timeline.sleep(HEALING_MS);
  }

  /** When all is well again: who was not logged out can go on, and who was cannot. */
  async #comesBack(session: ModelSession): Promise<void> {
    const outcome = await this.#use(session, session.token);
    if (session.endedAt === undefined && outcome.status !== 200) {
      this.#model.violated(`${session.name} cannot go on: ${outcome.status}`);
    }
    if (session.endedAt !== undefined && outcome.status === 200) {
      this.#model.violated(`${session.name} goes on after its end`);
    }
  }

  #answered(session: ModelSession, what: string, { status }: Outcome<unknown>): void {
    if (status === 400) this.#model.refused(session, what);
    if (status === 503 && session.endedAt !== undefined) session.untold += 1;
    if (status === 200 && session.endedAt !== undefined) {
      const known = session.endedAt + CLIENT_PATIENCE_MS < this.#timeline.now;
      if (known) this.#model.violated(`${what} of ${session.name} was given after its end`);
    }
  }

  #somewhere(): Instance {
    return this.#random.pick(this.#instances);
  }

  /** A request over the network, to a process that may be frozen or dead. */
  #request<T>({ process }: Instance, work: () => Promise<T>): Promise<Outcome<T>> {
    const timeline = this.#timeline;
    return new Promise((resolve) => {
      const answer = (outcome: Outcome<T>) => {
        timeline.after(this.#random.between(1, 20), () => resolve(outcome));
      };
      timeline.after(CLIENT_PATIENCE_MS, () => resolve({ status: 503 }));
      timeline.after(
        this.#random.between(1, 20),
        () => {
          work().then(
            (value) => answer({ status: 200, value }),
            (error: unknown) => answer(this.#refusal(error)),
          );
        },
        process,
      );
    });
  }

  #refusal(error: unknown): { status: 400 } | { status: 503 } {
    if (error instanceof OAuthError && error.error === 'invalid_grant') return { status: 400 };
    if (error instanceof OAuthError && error.getStatus() === 503) return { status: 503 };
    this.#model.violated(
      `unexpected: ${error instanceof Error ? (error.stack ?? '') : String(error)}`,
    );
    return { status: 503 };
  }
}
