import { HttpException, Inject, Injectable } from '@nestjs/common';
import { OAuthError } from '../errors/oauth.error.js';
import { IdentityProvider } from '../idp/identity-provider.js';
import type { LoginNotice } from '../options/oidc-auth-options.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import type { ResolvedOptions } from '../options/resolve-options.js';

/** Asks the host, by its option `onLogin`, whether a login may go on. */
@Injectable()
export class LoginAdmission {
  constructor(
    private readonly provider: IdentityProvider,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  /** @throws {@link OAuthError} 403 `access_denied` when the host refuses, or whatever else it throws. */
  async check({ grant, claims }: Omit<LoginNotice, 'provider'>): Promise<void> {
    const { onLogin } = this.options;
    if (onLogin === undefined) return;
    const provider = this.provider.name;
    try {
      await onLogin({ provider, grant, ...(claims === undefined ? {} : { claims }) });
    } catch (error) {
      throw refusalOf(error);
    }
  }
}

/** A host refuses with an {@link OAuthError}, or with Nest's own Forbidden or Unauthorized; the rest is a fault. */
function refusalOf(error: unknown): unknown {
  if (error instanceof OAuthError || !(error instanceof HttpException)) return error;
  if (error.getStatus() >= 500) return error;
  return new OAuthError('access_denied', 'This login was refused', { status: 403, cause: error });
}
