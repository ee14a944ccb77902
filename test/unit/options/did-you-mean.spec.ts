import { IntrospectionGroup } from '../../../lib/options/introspection-options.js';
import { BrokerGroup } from '../../../lib/options/broker-options.js';
import { GrantGroup } from '../../../lib/options/route-options.js';
import { ApplicationGroup } from '../../../lib/options/oidc-auth-options.js';
import { ProviderGroup } from '../../../lib/options/provider-options.js';
import { EndpointGroup } from '../../../lib/options/endpoint-options.js';
import { describe, expect, it } from 'vitest';
import { namesOf } from '../../../lib/options/option-group.js';
import { routeDefaults } from '../../../lib/options/option-defaults.js';
import { resolveRoutes } from '../../../lib/options/resolve-routes.js';
import { resolveWith, startUpMessage } from './config-error.js';

/** Every option by its group; `''` is the top. */
const options: Record<string, readonly string[]> = {
  '': [...new Set([ProviderGroup, ApplicationGroup].flatMap(namesOf))],
  broker: namesOf(BrokerGroup),
  routes: Object.keys(routeDefaults),
  grants: namesOf(GrantGroup),
  endpoints: namesOf(EndpointGroup),
  introspection: namesOf(IntrospectionGroup),
};
const everyOption = Object.entries(options).flatMap(([group, names]) =>
  names.map((name) => [group, name] as const),
);

const at = (group: string, name: string): string => (group === '' ? name : `${group}.${name}`);

function messageFor(group: string, name: string): string {
  const members: object = JSON.parse(`{"${name}": "canary-value"}`);
  if (group === 'routes')
    return startUpMessage(() => Reflect.apply(resolveRoutes, undefined, [members]));
  const broker = { audience: 'myapp-api', ...members };
  if (group === 'broker') return startUpMessage(() => resolveWith({ broker }));
  return startUpMessage(() => resolveWith(group === '' ? members : { [group]: members }));
}

const swapped = (name: string, place: number): string =>
  name.slice(0, place) + (name[place + 1] ?? '') + (name[place] ?? '') + name.slice(place + 2);

/** Ways to get a name wrong. */
const mistakes: Record<string, (name: string) => string> = {
  'a letter missing': (name) => name.slice(0, 2) + name.slice(3),
  'a letter twice': (name) => name.slice(0, 2) + name.slice(1),
  'two letters exchanged': (name) => swapped(name, name.length - 3),
  'another letter': (name) => `${name.slice(0, -2)}q${name.slice(-1)}`,
  'with underscores': (name) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
  'with hyphens': (name) => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
  'in capitals': (name) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase(),
  'in the plural or singular': (name) => (name.endsWith('s') ? name.slice(0, -1) : `${name}s`),
};

/** Names of py-oidc-auth, and of other libraries. */
const otherNames: [group: string, name: string, meant: string][] = [
  ['', 'client_id', 'clientId'],
  ['', 'clientID', 'clientId'],
  ['', 'client_secret', 'clientSecret'],
  ['', 'discovery_url', 'discoveryUrl'],
  ['', 'discoveryURL', 'discoveryUrl'],
  ['', 'offline_access', 'offlineAccess'],
  ['', 'timeout_sec', 'timeoutMs'],
  ['', 'timeoutSec', 'timeoutMs'],
  ['', 'proxy', 'publicUrl'],
  ['', 'jwks_uri', 'jwksUri'],
  ['', 'jwksUrl', 'jwksUri'],
  ['', 'broker_mode', 'broker'],
  ['', 'brokerMode', 'broker'],
  ['', 'broker_store_url', 'broker.store'],
  ['', 'brokerStoreUrl', 'broker.store'],
  ['', 'broker_store_obj', 'broker.store'],
  ['', 'brokerStoreObj', 'broker.store'],
  ['', 'broker_audience', 'broker.audience'],
  ['', 'brokerAudience', 'broker.audience'],
  ['', 'broker_jwks_path', 'broker.jwksPath'],
  ['', 'brokerJwksPath', 'broker.jwksPath'],
  ['', 'trusted_issuers', 'broker.trustedIssuers'],
  ['', 'trustedIssuers', 'broker.trustedIssuers'],
  ['', 'appname', 'appName'],
  ['', 'device_flow', 'routes.device'],
  ['routes', 'device_flow', 'routes.device'],
  ['routes', 'deviceFlow', 'routes.device'],
  ['', 'redirect_uri', 'allowedRedirectUris'],
  ['', 'baseURL', 'publicUrl'],
  ['', 'authority', 'discoveryUrl'],
  ['broker', 'store_url', 'broker.store'],
  ['broker', 'storeUrl', 'broker.store'],
];

/** Options in another group than theirs. */
const misplaced: [group: string, name: string, meant: string][] = [
  ['', 'signingAlgorithm', 'broker.signingAlgorithm'],
  ['', 'accessTokenLifetimeSec', 'broker.accessTokenLifetimeSec'],
  ['', 'mapClaims', 'broker.mapClaims'],
  ['', 'store', 'broker.store'],
  ['', 'prefix', 'routes.prefix'],
  ['', 'endSession', 'endpoints.endSession'],
  ['', 'exchange', 'grants.exchange'],
  ['broker', 'encryptionKeys', 'encryptionKeys'],
  ['broker', 'encryption_keys', 'encryptionKeys'],
  ['broker', 'onLogin', 'onLogin'],
  ['broker', 'clientId', 'clientId'],
  ['routes', 'publicUrl', 'publicUrl'],
  ['endpoints', 'jwksUri', 'jwksUri'],
  ['grants', 'deviceAuthorization', 'endpoints.deviceAuthorization'],
];

describe('an unknown option', () => {
  it.each(everyOption)('is known under its name when that is %s %s, misspelt', (group, name) => {
    for (const [mistake, misspell] of Object.entries(mistakes)) {
      const misspelt = misspell(name);
      if (options[group]?.includes(misspelt)) continue;

      const message = messageFor(group, misspelt);

      expect([mistake, message]).toEqual([
        mistake,
        expect.stringContaining(
          `Unknown option "${at(group, misspelt)}"; did you mean "${at(group, name)}"? Known here: `,
        ),
      ]);
      expect(message).not.toContain('canary');
    }
  });

  it.each([...otherNames, ...misplaced])(
    'of %s called %s is answered with %s',
    (group, name, meant) => {
      expect(messageFor(group, name)).toContain(
        `Unknown option "${at(group, name)}"; did you mean "${meant}"? Known here: `,
      );
    },
  );

  it.each([
    ['', 'sitting'],
    ['', 'constructor'],
    ['', '__proto__'],
    ['', 'x'],
    ['', 'database'],
    ['broker', 'hasOwnProperty'],
    ['grants', 'password'],
    ['', 'x'.repeat(2000)],
  ])('of %s called %s is like none', (group, name) => {
    const message = messageFor(group, name);

    expect(message).toContain('". Known here: ');
    expect(message).not.toContain('did you mean');
  });
});
