import { type HttpException } from '@nestjs/common';
import { OAuthError } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import type { HostFaults } from '../events/host-faults.js';
import { isLoginRefusal } from '../events/host-functions.js';
import type { LoginNotice } from '../options/login-notice.js';
import type { ResolvedOptions } from '../options/resolve-options.js';

/** Asks the host, by its option `onLogin`, whether a login may go on. */
export class LoginAdmission {
  constructor(
    private readonly options: ResolvedOptions,
    private readonly faults: HostFaults,
  ) {}

  /** @throws {@link OAuthError} 403 `access_denied` when the host refuses, or whatever else it throws. */
  async check({ provider, grant, claims }: LoginNotice): Promise<void> {
    const { onLogin } = this.options;
    if (onLogin === undefined) return;
    try {
      await onLogin({ provider, grant, ...(claims === undefined ? {} : { claims }) });
    } catch (error) {
      throw isLoginRefusal(error) ? this.#refusal(error) : error;
    }
  }

  /**
   * A host refuses with an {@link OAuthError}, or with Nest's own Forbidden or Unauthorized, of which the caller hears our text, the
   * log what the host said. The rest is a fault.
   */
  #refusal(error: HttpException): OAuthError {
    if (error instanceof OAuthError) return error;
    const cause = new Reason('refused by "onLogin"', { came: this.faults.masked(error).message });
    return new OAuthError('access_denied', 'This login was refused', { status: 403, cause });
  }
}
