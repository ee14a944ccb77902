import type { Instance } from './instance.js';
import type { Scene } from './scene.js';

const SHORT_OUTAGE_MS = 1500;

/** What goes wrong beside single calls. */
export class Faults {
  constructor(
    private readonly scene: Scene,
    /** Starts an instance anew, in the place of the one that was killed. */
    private readonly restart: (at: number, offsetMs: number) => void,
  ) {}

  /** The database goes away: shortly, which must harm nobody, or for long. */
  async outages(): Promise<void> {
    const { shortOutages, longOutages } = this.scene.mood;
    const perMinute = shortOutages + longOutages;
    if (perMinute === 0) return;
    while (this.scene.isBusy) {
      await this.scene.timeline.sleep((this.scene.random.between(0.2, 1.8) * 60_000) / perMinute);
      const long = this.scene.random.chance(longOutages / perMinute);
      const ms = long
        ? this.scene.random.between(3000, 40_000)
        : this.scene.random.between(100, SHORT_OUTAGE_MS);
      this.scene.model.note(`the database is away for ${Math.round(ms)} ms`);
      this.scene.storeWorld.downUntil = this.scene.timeline.now + ms;
      if (long) {
        this.scene.provider.noUseUntil = this.scene.storeWorld.downUntil;
        for (const { grant } of this.scene.model.sessions) {
          if (grant.uncommitted) grant.excuse ??= 'the store was away for long';
        }
      }
    }
  }

  /** Processes freeze, and are killed and started again. */
  async accidents(): Promise<void> {
    const { freezes, kills } = this.scene.mood;
    const perMinute = freezes + kills;
    if (perMinute === 0) return;
    while (this.scene.isBusy) {
      await this.scene.timeline.sleep((this.scene.random.between(0.2, 1.8) * 60_000) / perMinute);
      const at = await this.#victim();
      const instance = this.scene.instances[at];
      if (instance === undefined) continue;
      if (this.scene.random.chance(kills / perMinute)) await this.#kill(at, instance);
      else this.#freeze(instance);
    }
  }

  /** Half of the time whoever is asking the provider: that is when it matters. */
  async #victim(): Promise<number> {
    const { random, instances, provider, timeline } = this.scene;
    const anyone = Math.floor(random.next() * instances.length);
    for (let tries = random.chance(0.5) ? 100 : 0; tries > 0; tries -= 1) {
      const at = instances.findIndex(({ process }) => provider.isAskedBy(process));
      if (at !== -1) return at;
      await timeline.sleep(50);
    }
    return anyone;
  }

  #freeze(instance: Instance): void {
    const { process } = instance;
    const { random } = this.scene;
    const ms = random.chance(0.5) ? random.between(500, 5000) : random.between(14_000, 25_000);
    this.scene.model.note(`${process.name} freezes for ${Math.round(ms)} ms`);
    process.frozenUntil = Math.max(process.frozenUntil, this.scene.timeline.now + ms);
    instance.knowsSince = Infinity;
    this.scene.provider.interrupted(process, 'its holder froze');
  }

  async #kill(at: number, instance: Instance): Promise<void> {
    this.scene.model.note(`${instance.process.name} is killed`);
    instance.process.alive = false;
    this.scene.provider.interrupted(instance.process, 'its holder was killed');
    await this.scene.timeline.sleep(this.scene.random.between(100, 5000));
    this.restart(at, instance.process.offsetMs);
  }
}
