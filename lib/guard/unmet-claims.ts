import type { ModulesContainer } from '@nestjs/core';
import { warningLink, withLink } from '../errors/page-link.js';
import { SafeLogger } from '../errors/safe-logger.js';
import type { ResolvedBrokerOptions } from '../options/resolve-broker.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { MINTED_CLAIMS } from '../tokens/minted-claims.js';
import { declaredHandlers } from './declared-handlers.js';
import { effectiveRule } from './declared-rules.js';

const MOST_NAMED = 5;

function isNeverMinted(path: string | undefined): path is string {
  return path !== undefined && !MINTED_CLAIMS.includes(path);
}

function listed(names: readonly string[]): string {
  const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : '';
  return names.slice(0, MOST_NAMED).join(', ') + more;
}

/**
 * Looks, once, for demands that nobody can meet in broker mode: claims of the identity provider, which tokens of our own do not hold
 * unless `mapClaims` puts them there. Such a handler would answer 403 to everybody and for ever, and nothing would say why.
 */
export class UnmetClaims {
  readonly #logger = new SafeLogger();

  constructor(
    private readonly modules: ModulesContainer,
    private readonly options: ResolvedOptions,
    private readonly broker: ResolvedBrokerOptions,
  ) {}

  /** Warns of each; to be called when all of the host's handlers are known. */
  check(): void {
    if (this.broker.mapClaims !== undefined) return;
    for (const [path, handlers] of this.#demanded()) {
      const line =
        `@Auth({ claims }) on ${listed(handlers)} demands "${path}", which no token of this application holds: everybody gets 403. ` +
        `For roles write @Auth({ roles }); a claim of the provider belongs into the option "claims", which is looked at before a token ` +
        `is minted; or let "broker.mapClaims" mint it.`;
      this.#logger.warn(withLink(line, warningLink('log-auth-claims-on-demands')));
    }
    this.#checkTrustedIssuers();
  }

  /** The handlers that demand each claim that is never minted. */
  #demanded(): Map<string, string[]> {
    const handlers = new Map<string, string[]>();
    for (const { handler, type, name } of declaredHandlers(this.modules)) {
      for (const path of neverMinted(handler, type)) {
        handlers.set(path, [...(handlers.get(path) ?? []), name]);
      }
    }
    return handlers;
  }

  /** The option `claims` is for the provider's claims; tokens of trusted issuers are held against it as they are. */
  #checkTrustedIssuers(): void {
    const { claims } = this.options;
    const { trustedIssuers, issuer: own } = this.broker;
    const entries = typeof trustedIssuers === 'function' ? [] : trustedIssuers;
    const held = entries
      .filter((entry) => typeof entry === 'string' || entry.claims === undefined)
      .map((entry) => (typeof entry === 'string' ? entry : entry.issuer))
      .filter((issuer) => issuer !== own);
    const paths = claims.map(({ path }) => path).filter(isNeverMinted);
    if (held.length === 0 || paths.length === 0) return;
    this.#logger.warn(
      `Option "claims" demands "${paths.join('", "')}" of tokens of ${listed(held)} too, and tokens that another instance mints hold no such ` +
        `claim by themselves: they get 403. Give these entries of "broker.trustedIssuers" "claims" of their own, such as roles.`,
    );
  }
}

/** The claims that a handler demands in vain. */
function neverMinted(handler: Function, type: Function): string[] {
  const rule = effectiveRule(handler, type);
  if (rule === undefined || rule === 'public') return [];
  return rule.demands.map(({ path }) => path).filter(isNeverMinted);
}
