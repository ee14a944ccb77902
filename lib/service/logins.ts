import { AuthorizationCodeGrant } from '../grants/authorization-code.grant.js';
import { DeviceCodeGrant } from '../grants/device-code.grant.js';
import type { OfferedGrants } from '../grants/token-grants.js';
import { Callback } from '../login/callback.js';
import { FinishedLogins } from '../login/finished-logins.js';
import type { LoginEnd } from '../login/login-end.js';
import { LoginFinisher } from '../login/login-finisher.js';
import { PendingLogins } from '../login/pending-login.js';
import { StartLogin } from '../login/start-login.js';
import type { Surroundings } from './surroundings.js';

/** The ways of a login: alike in both modes, up to its end. */
export class Logins {
  readonly start: StartLogin;
  readonly callback: Callback;
  readonly grants: Pick<OfferedGrants, 'code' | 'device'>;

  constructor({ options, clock, provider, keyRing, urls }: Surroundings, end: LoginEnd) {
    const pending = new PendingLogins(keyRing);
    const finisher = new LoginFinisher(provider, new FinishedLogins(clock), end);
    this.start = new StartLogin(pending, provider, urls, clock, options);
    this.callback = new Callback(pending, provider, finisher, urls, options);
    this.grants = {
      code: new AuthorizationCodeGrant(pending, finisher, options),
      device: new DeviceCodeGrant(provider, finisher, clock, options),
    };
  }
}
