import { type Clock, epochSeconds } from '../clock/clock.js';
import type { Authentication, IssuerUser } from './issuer-grants.js';

/** Who is logged in at an issuer for tests, how and since when. */
export class IssuerSession {
  #authentication: Authentication | undefined;

  constructor(
    private current: IssuerUser,
    private readonly clock: Clock,
  ) {}

  get user(): IssuerUser {
    return this.current;
  }

  /** Another user begins another session. */
  loginAs(user: IssuerUser): void {
    this.current = user;
    this.#authentication = undefined;
  }

  /** An authentication of now. */
  now(): Authentication {
    return { auth_time: epochSeconds(this.clock) };
  }

  /** The one there is, unless it is too old or not of the class that a login asks for: then the user is authenticated anew. */
  authenticated(query: URLSearchParams): Authentication {
    const known = this.#authentication ?? this.now();
    const [acr = known.acr] = (query.get('acr_values') ?? '').split(' ').filter(Boolean);
    const oldest = this.now().auth_time - Number(query.get('max_age') ?? Infinity);
    const holds = acr === known.acr && known.auth_time >= oldest;
    const again = { ...this.now(), ...(acr === undefined ? {} : { acr }) };
    this.#authentication = holds ? known : again;
    return this.#authentication;
  }
}
