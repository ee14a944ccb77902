import { Administrator } from './administrator.js';
import { Faults } from './faults.js';
import { Guards } from './guards.js';
import { Instance } from './instance.js';
import { BUSY_MS, Scene } from './scene.js';
import { Process } from './timeline.js';
import { Users } from './users.js';

const INSTANCES = 3;
/** From then on nobody does anything any more. */
const QUIET_MS = 2 * BUSY_MS;
const LONGEST_MS = 3 * 3600_000;
const PULL_EVERY_MS = 8000;
const LATE_PULL_MS = 1500;
const HEALING_MS = 20_000;

/** What happened in a schedule. */
export interface Story {
  readonly mood: string;
  /** The first thing that must not be; `undefined` when there was none. */
  readonly violation: string | undefined;
  readonly trace: readonly string[];
}

/** One schedule: three instances of an application, a few users, and what the seed does to them. */
export class World {
  readonly #scene: Scene;
  readonly #guards: Guards;
  readonly #users: Users;
  readonly #lifetimes: readonly number[];
  #names = 0;

  constructor(seed: number) {
    this.#scene = new Scene(seed);
    this.#guards = new Guards(this.#scene);
    this.#users = new Users(this.#scene, this.#guards);
    const mixed = this.#scene.random.chance(0.5) ? [3600, 60] : [60, 3600];
    this.#lifetimes = this.#scene.mood.rollingUpdate ? mixed : [600];
  }

  /** Runs it to its end. */
  async run(): Promise<Story> {
    const { random, timeline, model, mood } = this.#scene;
    const usual = Math.random;
    Math.random = () => random.next();
    try {
      await timeline.run(this.#tell(), LONGEST_MS);
    } catch (error) {
      model.violated(error instanceof Error ? (error.stack ?? error.message) : String(error));
    } finally {
      Math.random = usual;
    }
    return { mood: mood.name, violation: model.violation, trace: model.trace };
  }

  async #tell(): Promise<void> {
    const { random, model } = this.#scene;
    const side = random.pick([-1, 1]); // ahead of the provider, or behind it
    for (let at = 0; at < INSTANCES; at += 1) this.#start(at, side * random.between(0, 5000));
    const faults = new Faults(this.#scene, (at, offsetMs) => this.#start(at, offsetMs));
    await Promise.all([
      this.#users.come('user-1'),
      this.#users.come('user-2'),
      new Administrator(this.#scene).act(),
      this.#guards.watch(),
      faults.outages(),
      faults.accidents(),
    ]);
    await this.#heal();
    for (const session of model.sessions) await this.#users.comeBack(session);
    model.finish();
  }

  async #heal(): Promise<void> {
    const { storeWorld, provider, timeline } = this.#scene;
    storeWorld.calm = true;
    provider.calm = true;
    await timeline.sleep(HEALING_MS);
  }

  #start(at: number, offsetMs: number): void {
    const { model, timeline, instances } = this.#scene;
    this.#names += 1;
    const process = new Process(`instance ${at + 1}${'′'.repeat(this.#names - at - 1)}`, offsetMs);
    const lifetimeSec = this.#lifetimes[at % this.#lifetimes.length] ?? 600;
    const instance = new Instance(process, lifetimeSec, this.#scene);
    instances[at] = instance;
    instance.events.on('session-ended', ({ session, reason }) => {
      model.heard(session, reason, process);
    });
    instance.events.on('renewal-lost', ({ session }) => {
      model.note(`${process.name} lost a renewal of ${model.named(session)?.name ?? '?'}`);
    });
    timeline.after(0, () => void this.#upkeep(instance), process);
  }

  /** Pulls what others did, as an instance does every few seconds. */
  async #upkeep(instance: Instance): Promise<void> {
    const { timeline } = this.#scene;
    await instance.start();
    for (;;) {
      const began = timeline.now;
      try {
        await Promise.all([instance.revocations.pull(), instance.keys.refresh()]);
        const isLate = timeline.now - began > LATE_PULL_MS;
        instance.knowsSince = isLate ? timeline.now : Math.min(instance.knowsSince, began);
      } catch {
        instance.knowsSince = Infinity;
      }
      const everyMs = timeline.now < QUIET_MS ? PULL_EVERY_MS : 10 * PULL_EVERY_MS;
      await instance.clock.sleep(everyMs * (0.85 + Math.random() * 0.15));
    }
  }
}
