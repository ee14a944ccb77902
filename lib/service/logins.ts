import { AuthorizationCodeGrant } from '../grants/authorization-code.grant.js';
import { DeviceCodeGrant } from '../grants/device-code.grant.js';
import type { OfferedGrants } from '../grants/token-grants.js';
import { DemandedLogins } from '../guard/demanded-logins.js';
import { Callback } from '../login/callback.js';
import { ChosenProvider } from '../login/chosen-provider.js';
import { FinishedLogins } from '../login/finished-logins.js';
import type { LoginEnd } from '../login/login-end.js';
import { LoginFinisher } from '../login/login-finisher.js';
import { PendingLogins } from '../login/pending-login.js';
import { StartLogin } from '../login/start-login.js';
import type { Surroundings } from './surroundings.js';

/** The ways of a login: alike in both modes, up to its end. */
export class Logins {
  /** Which logins are over here. */
  readonly finished: FinishedLogins;
  readonly start: StartLogin;
  readonly callback: Callback;
  readonly grants: Pick<OfferedGrants, 'code' | 'device'>;

  constructor({ options, clock, providers, keyRing, urls }: Surroundings, end: LoginEnd) {
    this.finished = new FinishedLogins(clock);
    const pending = new PendingLogins(keyRing);
    const finisher = new LoginFinisher(this.finished, end);
    const chosen = new ChosenProvider(providers, urls, options);
    const demands = new DemandedLogins(keyRing);
    this.start = new StartLogin(pending, demands, chosen, urls, clock, options, end.bindsTokens);
    this.callback = new Callback(pending, providers, finisher, urls, options);
    this.grants = {
      code: new AuthorizationCodeGrant(pending, finisher, providers, chosen, options),
      device: new DeviceCodeGrant(providers, chosen, finisher, clock, options),
    };
  }
}
