/** What is counted and measured, by the name under which OpenTelemetry exports it. */
export const METRICS = {
  'oidc.logins': {
    kind: 'counter',
    unit: '{login}',
    description: 'Logins that ended, by grant, provider and outcome',
    attributes: ['oidc.grant', 'oidc.provider', 'oidc.outcome'],
  },
  'oidc.refreshes': {
    kind: 'counter',
    unit: '{refresh}',
    description: 'Refreshes at an identity provider, by provider and outcome',
    attributes: ['oidc.provider', 'oidc.outcome'],
  },
  'oidc.refusals': {
    kind: 'counter',
    unit: '{request}',
    description: 'Requests that a route or the guard refused',
    attributes: ['oidc.refused_by', 'oidc.error', 'oidc.reason', 'http.response.status_code'],
  },
  'oidc.events': {
    kind: 'counter',
    unit: '{event}',
    description: 'Events of OidcEvents, by name and provider',
    attributes: ['oidc.event', 'oidc.provider'],
  },
  'oidc.upstream.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'Calls to identity providers and trusted issuers',
    attributes: [
      'http.request.method',
      'server.address',
      'http.response.status_code',
      'error.type',
    ],
  },
  'oidc.lease.wait.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'How long refreshes waited for another one of the same session',
    attributes: [],
  },
  'oidc.verifications': {
    kind: 'observed counter',
    unit: '{token}',
    description: 'Access tokens that were looked at: remembered, verified or refused',
    attributes: ['oidc.result'],
  },
  'oidc.key_set.age': {
    kind: 'observed gauge',
    unit: 's',
    description: 'Age of the keys that tokens of a provider or a trusted issuer are verified with',
    attributes: ['oidc.provider', 'oidc.issuer'],
  },
} as const;

type Metrics = typeof METRICS;
type NamesOf<Kind> = {
  [Name in keyof Metrics]: Metrics[Name]['kind'] extends Kind ? Name : never;
}[keyof Metrics];

export type MetricName = keyof Metrics;
export type CounterName = NamesOf<'counter'>;
export type HistogramName = NamesOf<'histogram'>;
export type ObservedName = NamesOf<'observed counter' | 'observed gauge'>;

/** An attribute that is `undefined` is left out. */
export type MetricAttributes<Name extends MetricName> = {
  readonly [Attribute in Metrics[Name]['attributes'][number]]?: string | number | undefined;
};
