import { Revoke } from './revoke.js';

/** Revocation in passthrough mode: the token is the provider's, and goes there. */
export class PassthroughRevoke extends Revoke {
  protected async end(token: string, hint: string | undefined): Promise<boolean> {
    await this.provider.revoke(token, hint);
    return true;
  }
}
