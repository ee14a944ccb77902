import type { Instance } from './instance.js';
import type { Scene } from './scene.js';

/** Who ends all sessions of a user, and retires signing keys. */
export class Administrator {
  constructor(private readonly scene: Scene) {}

  async act(): Promise<void> {
    while (this.scene.isBusy) {
      await this.scene.timeline.sleep(this.scene.random.between(10_000, 60_000));
      const at = this.scene.somewhere();
      if (this.scene.random.chance(0.6)) await this.#endAll(at);
      else await this.#retireKey(at);
    }
  }

  async #endAll(at: Instance): Promise<void> {
    const { sessions } = this.scene.model;
    if (sessions.length === 0) return;
    const { user } = this.scene.random.pick(sessions);
    const theirs = sessions.filter((one) => one.user === user);
    const alive = theirs.filter((one) => one.endedAt === undefined);
    for (const session of theirs) {
      session.unwanted = true;
    }
    this.scene.model.usersEnding.add(user);
    const outcome = await this.scene.request(at, () => at.users.endAll(user));
    this.scene.model.usersEnding.delete(user);
    const heard = outcome.status === 200 ? String(outcome.value) : 'nothing';
    this.scene.model.note(`all of ${user} are to end at ${at.process.name}: ${heard}`);
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
    const kid = await this.scene.request(at, async () => (await at.keys.current()).kid);
    if (kid.status !== 200) return;
    const outcome = await this.scene.request(at, () => at.keys.retire(kid.value));
    this.scene.model.note(`a signing key is retired at ${at.process.name}: ${outcome.status}`);
    if (outcome.status === 200) this.scene.model.retiredAt.set(kid.value, this.scene.timeline.now);
    else this.scene.model.doubtfulKeys.add(kid.value);
  }
}
