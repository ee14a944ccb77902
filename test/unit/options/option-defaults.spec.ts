import { RequestGroup } from '../../../lib/options/request-options.js';
import { ClientGroup } from '../../../lib/options/client-options.js';
import { IntrospectionGroup } from '../../../lib/options/introspection-options.js';
import { BrowserSessionGroup } from '../../../lib/options/browser-session-options.js';
import { BrokerGroup } from '../../../lib/options/broker-options.js';
import { GrantGroup } from '../../../lib/options/route-options.js';
import { ApplicationGroup } from '../../../lib/options/oidc-auth-options.js';
import { EntryGroup, SeveralGroup } from '../../../lib/options/several-providers.js';
import { ProviderGroup } from '../../../lib/options/provider-options.js';
import { EndpointGroup } from '../../../lib/options/endpoint-options.js';
import { CallGroup } from '../../../lib/options/call-options.js';
import { PossessionGroup } from '../../../lib/options/possession-options.js';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { complete } from '../../../lib/options/option-group.js';
import { routeDefaults } from '../../../lib/options/option-defaults.js';
import { resolveWith } from './config-error.js';

const groups: readonly [file: string, name: string, of: object, and?: object][] = [
  ['oidc-auth-options', 'ApplicationGroup', new ApplicationGroup(), new PossessionGroup()],
  ['possession-options', 'PossessionGroup', new PossessionGroup()],
  ['call-options', 'CallGroup', new CallGroup()],
  ['client-options', 'ClientGroup', new ClientGroup(), new CallGroup()],
  ['request-options', 'RequestGroup', new RequestGroup(), new ClientGroup()],
  ['provider-options', 'ProviderGroup', new ProviderGroup(), new RequestGroup()],
  ['endpoint-options', 'EndpointGroup', new EndpointGroup()],
  ['introspection-options', 'IntrospectionGroup', new IntrospectionGroup()],
  ['several-providers', 'EntryGroup', new EntryGroup(), new ProviderGroup()],
  ['several-providers', 'SeveralGroup', new SeveralGroup(), new CallGroup()],
  ['broker-options', 'BrokerGroup', new BrokerGroup()],
  ['browser-session-options', 'BrowserSessionGroup', new BrowserSessionGroup()],
  ['route-options', 'GrantGroup', new GrantGroup()],
  ['route-options', 'RouteOptions', routeDefaults],
];

const optionsFile = (file: string): URL =>
  new URL(`../../../lib/options/${file}.ts`, import.meta.url);

/** The members of a group with what their `@defaultValue` tags say, which editors show. */
function taggedIn(text: string, name: string): Record<string, unknown> {
  const [, body = ''] =
    new RegExp(`(?:class|interface) ${name}\\b[^{]*\\{\\n([^]*?)\\n\\}`).exec(text) ?? [];
  const members = body.matchAll(
    /\/\*\*((?:(?!\*\/)[^])*)\*\/\n(?:(?!\/\*\*)[^])*?^ {2}(\w+)[?!]?:\s/gm,
  );
  const tagged = [...members].flatMap(([, comment = '', member = '']): [string, unknown][] => {
    const [, literal] = /@defaultValue `([^`]*)`/.exec(comment) ?? [];
    return literal === undefined ? [] : [[member, parsedLiteral(literal)]];
  });
  return Object.fromEntries(tagged);
}

/** A literal of strings, numbers, booleans, lists and objects as TypeScript writes it. */
function parsedLiteral(literal: string): unknown {
  return JSON.parse(literal.replaceAll("'", '"').replace(/(\w+): /g, '"$1": '));
}

function defaultsOf(options: object, leftOut: object = {}): Record<string, unknown> {
  const own = Object.entries(options).filter(([name]) => !(name in leftOut));
  return Object.fromEntries(own.filter(([, value]) => value !== undefined));
}

describe('documented defaults', () => {
  it.each(groups)('of %s.ts, %s, are those that count', async (file, name, options, and) => {
    const text = await readFile(optionsFile(file), 'utf8');

    expect(taggedIn(text, name)).toEqual(defaultsOf(options, and));
  });

  it('are what is resolved when an option is left out', () => {
    const resolved = resolveWith({});
    const {
      scopes: _scopes,
      additionalScopes: _additional,
      introspection: _introspection,
      ...others
    } = {
      ...defaultsOf(new ApplicationGroup()),
      ...defaultsOf(new ProviderGroup()),
    };

    expect(resolved).toMatchObject(others);
    expect(resolved.scopes).toEqual(['openid', 'profile', 'email']);
    expect(resolved.allowedScopes).toEqual(['openid', 'profile', 'email', 'offline_access']);
    expect(resolved.grants).toEqual({ ...defaultsOf(new GrantGroup()), exchange: false });
    expect(resolved.broker).toBeUndefined();
    expect(resolved.introspection).toBeUndefined();
  });

  it('are what is resolved of broker when nothing but its audience is given', () => {
    const resolved = resolveWith({ broker: { audience: 'myapp-api' } });

    expect(resolved.broker).toMatchObject({
      ...defaultsOf(new BrokerGroup()),
      audience: 'myapp-api',
    });
    expect(resolved.broker?.issuer).toBe('https://app.example.org');
    expect(resolved.exchangeClients).toEqual(['my-client']);
    expect(resolved.roleClients).toEqual(['my-client']);
    expect(resolved.grants).toEqual(defaultsOf(new GrantGroup()));
  });
});

describe('a group of options', () => {
  it('is completed: "undefined" counts as left out, and what is no option of it is left aside', () => {
    const given = { timeoutMs: undefined, maxUpstreamCalls: 3, other: 1 };

    expect(complete(CallGroup, given)).toEqual({
      fetch: undefined,
      timeoutMs: 10_000,
      maxUpstreamCalls: 3,
    });
  });

  it('has a text for every option', async () => {
    for (const [file, name, options, and = {}] of groups) {
      const text = await readFile(optionsFile(file), 'utf8');
      for (const option of Object.keys(options).filter((one) => !(one in and))) {
        const member = new RegExp(`\\*/\\n(?:(?!\\*/)[^])*?^ {2}${option}[?!]?:\\s`, 'm');
        expect(member.test(text), `${name}.${option}`).toBe(true);
      }
    }
  });
});
