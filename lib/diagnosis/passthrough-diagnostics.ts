import { Diagnostics } from './diagnostics.js';
import { Notes } from './notes.js';

/** The providers' tokens are what the guard takes, so they are looked at. */
export class PassthroughDiagnostics extends Diagnostics {
  protected readonly takesTokens = true;

  protected async further(): Promise<readonly Notes[]> {
    const { keyRing, options } = this.diagnosed;
    const notes = new Notes('encryptionKeys');
    if (keyRing.missing !== undefined && options.routes.login !== undefined) {
      const seen = `${keyRing.missing}: logins finish only on the instance that began them`;
      notes.find('encryption-keys-missing', seen);
    }
    return [notes];
  }
}
