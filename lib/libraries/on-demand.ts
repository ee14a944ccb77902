import { OidcConfigError } from '../errors/oidc-config.error.js';

/**
 * A library that is loaded when it is first needed, and not when the application starts. It is loaded ahead of any `try` that judges what somebody
 * sent: a library that cannot be loaded is nobody's invalid token.
 */
export class OnDemand<Library> {
  #loading: Promise<Library> | undefined;

  constructor(
    private readonly name: string,
    private readonly load: () => Promise<Library>,
  ) {}

  /** @throws {@link OidcConfigError} where it cannot be loaded; the next call tries again. */
  get(): Promise<Library> {
    this.#loading ??= this.load().catch((cause: unknown) => {
      this.#loading = undefined;
      const mend = 'Install the dependencies of nestjs-oidc-auth anew.';
      throw new OidcConfigError(`The package ${this.name} cannot be loaded. ${mend}`, { cause });
    });
    return this.#loading;
  }
}
