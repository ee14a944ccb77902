import { PeerIssuers } from '../federation/peer-issuers.js';
import { LoginAdmission } from '../login/login-admission.js';
import { OwnTokens } from '../logout/own-tokens.js';
import type { ResolvedBrokerOptions } from '../options/resolve-broker.js';
import { SessionParts } from '../sessions/session-parts.js';
import { StoreAccess } from '../store/store-access.js';
import { TokenVerifier } from '../tokens/token-verifier.js';
import { MintedSubjects } from '../users/minted-subjects.js';
import { SessionUpstream } from '../users/session-upstream.js';
import { ClaimsCollectors } from '../users/claims-collectors.js';
import { BrokerIssuers, EndingIssuers } from './broker-issuers.js';
import { BrokerUpkeep } from './broker-upkeep.js';
import type { Surroundings } from './surroundings.js';

/** What the routes of broker mode share: one of each, put together. */
export class BrokerParts {
  readonly store: StoreAccess;
  readonly subjects: MintedSubjects;
  readonly collectors: ClaimsCollectors;
  readonly upstream: SessionUpstream;
  readonly ofSessions: SessionParts;
  readonly peers: PeerIssuers;
  readonly issuers: BrokerIssuers;
  readonly verifier: TokenVerifier;
  readonly ownTokens: OwnTokens;
  readonly admission: LoginAdmission;
  readonly upkeep: BrokerUpkeep;

  constructor(surroundings: Surroundings, broker: ResolvedBrokerOptions) {
    const { options, clock, events, faults, providers, http, keyRing, urls } = surroundings;
    const { registeredStore, container } = surroundings;
    const choice = registeredStore ?? broker.store();
    const store = new StoreAccess(options, choice, events, container, faults, clock);
    const subjects = new MintedSubjects(options, providers);
    const collectors = new ClaimsCollectors({ options, broker, clock, subjects, events });
    const upstream = new SessionUpstream(providers, collectors, subjects, events, clock);
    const given = { options, broker, clock, events, store, keyRing, upstream };
    const ofSessions = new SessionParts(given);
    const { keys, revocations, own } = ofSessions;
    const peers = new PeerIssuers(options, broker, http, clock, events, store, urls, keyRing);

    this.store = store;
    this.subjects = subjects;
    this.collectors = collectors;
    this.upstream = upstream;
    this.ofSessions = ofSessions;
    this.peers = peers;
    this.issuers = new BrokerIssuers(broker, own, peers);
    this.verifier = new TokenVerifier(this.issuers, clock, events, options);
    const ending = new TokenVerifier(new EndingIssuers(own), clock, events, options);
    this.ownTokens = new OwnTokens(ending, broker);
    this.admission = new LoginAdmission(options, faults);
    this.upkeep = new BrokerUpkeep(keys, revocations, peers, store, keyRing, clock, broker);
  }
}
