import { CallersSession } from './callers-session.js';

/** Passthrough mode keeps no sessions: the provider ends its own. */
export class PassthroughCallersSession extends CallersSession {
  async end(): Promise<undefined> {
    return undefined;
  }
}
