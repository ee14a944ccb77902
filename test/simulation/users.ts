import type { Guards } from './guards.js';
import type { Instance } from './instance.js';
import type { ModelSession } from './model.js';
import { CLIENT_PATIENCE_MS, type Outcome, type Scene } from './scene.js';
import { PROVIDER_ISSUER } from './simulated-provider.js';

/** Who logs in, comes back, and goes. */
export class Users {
  constructor(
    private readonly scene: Scene,
    private readonly guards: Guards,
  ) {}

  /** A user, who logs in and comes back now and then, with one tab or several. */
  async come(user: string): Promise<void> {
    for (let login = 1; this.scene.isBusy; login += 1) {
      const session = await this.#login(user, `${user}/${login}`);
      if (session !== undefined) await this.#stay(session);
      await this.#pause();
    }
  }

  /** Comes back until it is over, and once more: to find that out. */
  async #stay(session: ModelSession): Promise<void> {
    let over = false;
    while (!over && this.scene.isBusy) {
      await this.#pause();
      over = session.endedAt !== undefined;
      await this.#visit(session);
    }
  }

  async #visit(session: ModelSession): Promise<void> {
    const act = this.scene.random.next();
    if (act < 0.1) return this.#askForProviderToken(session);
    if (act < 0.15) return this.#replay(session);
    if (act < 0.2) return this.#logout(session);
    await this.#tabs(session);
  }

  #pause(): Promise<void> {
    return this.scene.timeline.sleep(this.scene.random.between(0.2, 1.8) * this.scene.mood.pauseMs);
  }

  async #login(user: string, name: string): Promise<ModelSession | undefined> {
    const grant = this.scene.provider.grant(user, name);
    const at = this.scene.somewhere();
    const answer = this.scene.provider.answer(grant, 'openid profile');
    const outcome = await this.scene.request(at, () =>
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
    this.scene.model.note(`${name} begins at ${at.process.name}`);
    const opened = this.scene.model.open({ name, id: session.id, user, grant, token });
    this.scene.model.received(opened, token);
    await this.guards.mint(opened, at);
    return opened;
  }

  /** One refresh token, used by several tabs at several instances. */
  async #tabs(session: ModelSession): Promise<void> {
    const token = session.token;
    const tabs = Array.from({ length: this.scene.random.pick([1, 1, 2, 3]) }, async (_, tab) => {
      await this.scene.timeline.sleep(
        tab === 0 ? 0 : this.scene.random.between(0, this.scene.mood.tabsMs),
      );
      await this.#use(session, token);
      // An answer that got lost between client and instance: the client asks again.
      if (this.scene.random.chance(0.1)) await this.#use(session, token);
    });
    // And meanwhile the host asks for the provider's token.
    if (this.scene.random.chance(0.3)) {
      tabs.push(
        this.scene.timeline
          .sleep(this.scene.random.between(0, 1500))
          .then(() => this.#askForProviderToken(session)),
      );
    }
    await Promise.all(tabs);
  }

  async #use(
    session: ModelSession,
    token: string,
    at = this.scene.somewhere(),
  ): Promise<Outcome<string>> {
    const generation = this.scene.model.generationOf(token);
    session.inUse.push(generation);
    const outcome = await this.scene.request(at, async () => {
      try {
        const { content } = await at.refresh.refresh(token);
        return content.refreshToken ?? '';
      } finally {
        session.inUse.splice(session.inUse.indexOf(generation), 1);
      }
    });
    this.scene.model.note(
      `${session.name} refreshes ${generation} at ${at.process.name}: ${outcome.status}`,
    );
    if (outcome.status === 200) {
      this.scene.model.received(session, outcome.value);
      await this.guards.mint(session, at);
    }
    this.#answered(session, 'a refresh', outcome);
    return outcome;
  }

  async #askForProviderToken(session: ModelSession): Promise<void> {
    const at = this.scene.somewhere();
    const outcome = await this.scene.request(at, () => at.refresh.providerAccessToken(session.id));
    this.scene.model.note(
      `${session.name} gets a provider's token at ${at.process.name}: ${outcome.status}`,
    );
    const isTheirs = outcome.status !== 200 || outcome.value.endsWith(` of ${session.name}`);
    if (!isTheirs) this.scene.model.violated(`${session.name} got a token of somebody else`);
    this.#answered(session, 'a token of the provider', outcome);
  }

  /** Somebody uses a refresh token long after it was replaced. */
  async #replay(session: ModelSession): Promise<void> {
    const old = [...session.tokens].find(([generation]) => {
      const at = session.replacedAt.get(generation);
      return at !== undefined && this.scene.timeline.now - at > 45_000;
    });
    if (old === undefined) return;
    session.unwanted = true;
    const [, token] = old;
    const outcome = await this.#use(session, token);
    if (outcome.status === 200)
      this.scene.model.violated(`a replayed token of ${session.name} was good`);
  }

  async #logout(session: ModelSession): Promise<void> {
    session.unwanted = true;
    const at = this.scene.somewhere();
    await this.#end(session, at, async () => {
      const found = await at.sessions.find(session.id);
      return found !== undefined && (await at.sessions.end(found, 'logout')) ? 1 : 0;
    });
  }

  async #end(session: ModelSession, at: Instance, work: () => Promise<number>): Promise<void> {
    const outcome = await this.scene.request(at, work);
    const heard = outcome.status === 200 ? String(outcome.value) : 'nothing';
    this.scene.model.note(`${session.name} is to end at ${at.process.name}: ${heard}`);
    if (outcome.status === 200) session.told += outcome.value;
    else session.untold += 1;
  }

  /** When all is well again: who was not logged out can go on, and who was cannot. */
  async comeBack(session: ModelSession): Promise<void> {
    const outcome = await this.#use(session, session.token);
    if (session.endedAt === undefined && outcome.status !== 200) {
      this.scene.model.violated(`${session.name} cannot go on: ${outcome.status}`);
    }
    if (session.endedAt !== undefined && outcome.status === 200) {
      this.scene.model.violated(`${session.name} goes on after its end`);
    }
  }

  #answered(session: ModelSession, what: string, { status }: Outcome<unknown>): void {
    if (status === 400) this.scene.model.refused(session, what);
    if (status === 503) this.scene.model.unanswered(session);
    if (status === 200 && session.endedAt !== undefined) {
      const known = session.endedAt + CLIENT_PATIENCE_MS < this.scene.timeline.now;
      if (known) this.scene.model.violated(`${what} of ${session.name} was given after its end`);
    }
  }
}
