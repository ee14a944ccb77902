import { CallOptionRules, ProviderOptionRules } from './provider-option-rules.js';
import {
  Must,
  MustList,
  Optional,
  isFlag,
  isRecord,
  isScopeList,
  isText,
  within,
} from './value-rules.js';

/** What a provider may be called: it stands in paths, before subjects and in tokens. */
export function isProviderName(value: unknown): value is string {
  return typeof value === 'string' && /^[a-z0-9][a-z0-9_-]{0,31}$/.test(value);
}

const NAME = 'must be the name of one of "providers": lower-case letters, digits, "-" and "_"';

/** The rules of what there is beside several providers. */
export class SeveralProviderRules extends CallOptionRules {
  @Must(
    'must be an object such as { staff: { clientId: …, discoveryUrl: …, … } } with at least one provider, each under a name of lower-case ' +
      'letters, digits, "-" and "_" (32 characters at most), or a function that gives one',
    (value) =>
      typeof value === 'function' ||
      (isRecord(value) &&
        Object.keys(value).length > 0 &&
        Object.keys(value).every(isProviderName)),
  )
  readonly providers: unknown;

  @Optional()
  @Must('must be a whole number of seconds from 1 to 10', within(1, 10))
  readonly providersPollSec: unknown;

  @Optional()
  @Must(NAME, isProviderName)
  readonly defaultProvider: unknown;

  @Optional()
  @Must(
    'must be a function ({ headers, host, query }) => name or undefined',
    (value) => typeof value === 'function',
  )
  readonly resolveProvider: unknown;

  @Optional()
  @Must(NAME, isProviderName)
  readonly sharedRedirects: unknown;
}

/** The rules of one of several providers. */
export class ProviderEntryRules extends ProviderOptionRules {
  @Optional()
  @Must('must be a non-empty string', isText)
  readonly title: unknown;

  @Optional()
  @Must('must be true or false', isFlag)
  readonly hidden: unknown;

  @Optional()
  @MustList('must be a list of role names; leave it out for any', isText)
  readonly roles: unknown;

  @Optional()
  @Must('must be scopes separated by spaces (not commas), or a list of scopes', isScopeList)
  readonly tokenScopes: unknown;

  @Optional()
  @MustList('must be a list of at least one client id', isText, { least: 1 })
  readonly exchangeClients: unknown;

  @Optional()
  @MustList('must be a list of at least one client id', isText, { least: 1 })
  readonly roleClients: unknown;

  @Optional()
  @Must('must be the name of a top-level claim, such as "preferred_username"', isText)
  readonly subjectClaim: unknown;
}
