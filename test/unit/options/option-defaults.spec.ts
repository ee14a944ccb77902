import { readFile } from 'node:fs/promises';

import { beforeAll, describe, expect, it } from 'vitest';

import { BrokerOptionRules } from '../../../lib/options/broker-option-rules.js';
import {
  brokerDefaults,
  grantDefaults,
  optionDefaults,
  providerDefaults,
  routeDefaults,
  severalDefaults,
} from '../../../lib/options/option-defaults.js';
import { ApplicationOptionRules, GrantOptionRules } from '../../../lib/options/option-rules.js';
import {
  EndpointOptionRules,
  IntrospectionOptionRules,
} from '../../../lib/options/provider-group-rules.js';
import {
  CallOptionRules,
  ProviderOptionRules,
} from '../../../lib/options/provider-option-rules.js';
import {
  ProviderEntryRules,
  SeveralProviderRules,
} from '../../../lib/options/several-option-rules.js';
import { resolveWith } from './config-error.js';

const sourceOf = (file: string): URL => new URL(`../../../lib/options/${file}.ts`, import.meta.url);
const sources = ['oidc-auth-options', 'provider-options', 'route-options', 'several-providers'];

/** All of them, one after another. */
async function readSources(): Promise<string> {
  const texts = await Promise.all(sources.map((file) => readFile(sourceOf(file), 'utf8')));
  return texts.join('\n');
}

const brokerSource = sourceOf('broker-options');

/** The members of an interface by name, each with what its `@defaultValue` tag says, if it has one. */
function membersOf(text: string, name: string): Map<string, unknown> {
  const [, body = ''] =
    new RegExp(`interface ${name}(?: extends [\\w, ]+)? \\{\\n([^]*?)\\n\\}`).exec(text) ?? [];
  const members = body.matchAll(/(?:\/\*\*((?:(?!\*\/)[^])*)\*\/\n)? {2}(\w+)\??: /g);
  return new Map(
    [...members].map(([, comment = '', member = '']) => {
      const [, tag] = /@defaultValue `([^`]*)`/.exec(comment) ?? [];
      return [member, tag === undefined ? undefined : parsedLiteral(tag)];
    }),
  );
}

/** A literal of strings, numbers, booleans, lists and objects as TypeScript writes it. */
function parsedLiteral(literal: string): unknown {
  return JSON.parse(literal.replaceAll("'", '"').replace(/(\w+): /g, '"$1": '));
}

function tagged(members: Map<string, unknown>): Record<string, unknown> {
  return Object.fromEntries([...members].filter(([, value]) => value !== undefined));
}

describe('documented defaults', () => {
  let text: string;

  beforeAll(async () => {
    text = await readSources();
  });

  it('agree with the defaults that count', () => {
    expect(tagged(membersOf(text, 'ApplicationOptions'))).toEqual(optionDefaults);
    expect({
      ...tagged(membersOf(text, 'CallOptions')),
      ...tagged(membersOf(text, 'ProviderOptions')),
    }).toEqual(providerDefaults);
    expect(tagged(membersOf(text, 'SeveralProvidersOptions'))).toEqual(severalDefaults);
    expect(tagged(membersOf(text, 'ProviderEntry'))).toEqual({ hidden: false });
    expect(tagged(membersOf(text, 'RouteOptions'))).toEqual(routeDefaults);
    expect(tagged(membersOf(text, 'GrantOptions'))).toEqual(grantDefaults);
    expect(tagged(membersOf(text, 'LoopbackRedirectOptions'))).toEqual(
      optionDefaults.loopbackRedirects,
    );
    expect(tagged(membersOf(text, 'EndpointOptions'))).toEqual({});
  });

  it('agree with the defaults of broker', async () => {
    const brokerText = await readFile(brokerSource, 'utf8');

    expect(tagged(membersOf(brokerText, 'BrokerOptions'))).toEqual(brokerDefaults);
    expect(brokerText.match(/@defaultValue/g)).toHaveLength(Object.keys(brokerDefaults).length);
  });

  it('cover every tag in the file', () => {
    const tags = text.match(/@defaultValue/g) ?? [];
    const objects = [
      optionDefaults,
      providerDefaults,
      severalDefaults,
      routeDefaults,
      grantDefaults,
      { paths: [], hidden: false },
    ];

    expect(tags).toHaveLength(objects.flatMap((defaults) => Object.keys(defaults)).length);
  });

  it('are what is resolved when an option is left out', () => {
    const resolved = resolveWith({});
    const {
      scopes: _scopes,
      additionalScopes: _additional,
      introspection: _introspection,
      ...others
    } = {
      ...optionDefaults,
      ...providerDefaults,
    };

    expect(resolved).toMatchObject(others);
    expect(resolved.scopes).toEqual(['openid', 'profile', 'email']);
    expect(resolved.allowedScopes).toEqual(['openid', 'profile', 'email', 'offline_access']);
    expect(resolved.grants).toEqual({ ...grantDefaults, exchange: false });
    expect(resolved.broker).toBeUndefined();
    expect(resolved.introspection).toBeUndefined();
  });

  it('are what is resolved of broker when nothing but its audience is given', () => {
    const resolved = resolveWith({ broker: { audience: 'myapp-api' } });

    expect(resolved.broker).toMatchObject({ ...brokerDefaults, audience: 'myapp-api' });
    expect(resolved.broker?.issuer).toBe('https://app.example.org');
    expect(resolved.exchangeClients).toEqual(['my-client']);
    expect(resolved.roleClients).toEqual(['my-client']);
    expect(resolved.grants).toEqual(grantDefaults);
  });
});

const both = (...lists: string[][]): string[] => lists.flat().toSorted();
const rules = (checked: object): string[] => Object.keys(checked).toSorted();

describe('documented options', () => {
  it('are those that are checked', async () => {
    const text = await readSources();
    const names = (name: string): string[] => [...membersOf(text, name).keys()].toSorted();

    const ofCalls = names('CallOptions');
    expect(names('ApplicationOptions')).toEqual(rules(new ApplicationOptionRules()));
    expect(ofCalls).toEqual(rules(new CallOptionRules()));
    expect(both(names('ProviderOptions'), ofCalls, ['allowInsecureHttp'])).toEqual(
      rules(new ProviderOptionRules()),
    );
    expect(
      both(names('ProviderEntry'), names('ProviderOptions'), ofCalls, ['allowInsecureHttp']),
    ).toEqual(rules(new ProviderEntryRules()));
    expect(both(names('SeveralProvidersOptions'), ofCalls)).toEqual(
      rules(new SeveralProviderRules()),
    );
    expect(names('GrantOptions')).toEqual(rules(new GrantOptionRules()));
    const brokerText = await readFile(brokerSource, 'utf8');
    const ofBroker = [...membersOf(brokerText, 'BrokerOptions').keys(), 'allowInsecureHttp'];
    expect(ofBroker.toSorted()).toEqual(rules(new BrokerOptionRules()));
    expect(names('IntrospectionOptions')).toEqual(rules(new IntrospectionOptionRules()));
    expect([...names('EndpointOptions'), 'allowInsecureHttp'].toSorted()).toEqual(
      rules(new EndpointOptionRules()),
    );
  });
});
