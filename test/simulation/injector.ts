type Token = unknown;
type Constructor<T> = new (...given: never[]) => T;

/** Makes objects as Nest does, without a container: one of each class, from what their constructors name. */
export class Injector {
  readonly #made: Map<Token, unknown>;

  constructor(given: readonly (readonly [token: Token, value: unknown])[]) {
    this.#made = new Map(given);
  }

  get<T>(type: Constructor<T>): T {
    const made: T = Object(this.#resolve(type));
    return made;
  }

  /** Whoever asks for the one gets the other. */
  bind(token: Token, type: Constructor<unknown>): void {
    this.#made.set(token, this.#resolve(type));
  }

  #resolve(token: Token): unknown {
    if (this.#made.has(token)) return this.#made.get(token);
    if (typeof token !== 'function') throw new TypeError(`Nothing is given for ${String(token)}`);
    const types: Token[] = Reflect.getMetadata('design:paramtypes', token) ?? [];
    const named: { index: number; param: Token }[] =
      Reflect.getMetadata('self:paramtypes', token) ?? [];
    const wanted = types.map((type, at) => named.find(({ index }) => index === at)?.param ?? type);
    const made: unknown = Reflect.construct(
      token,
      wanted.map((one) => this.#resolve(one)),
    );
    this.#made.set(token, made);
    return made;
  }
}
