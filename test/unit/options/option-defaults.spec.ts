import { readFile } from 'node:fs/promises';

import { beforeAll, describe, expect, it } from 'vitest';

import { BrokerOptionRules } from '../../../lib/options/broker-option-rules.js';
import {
  brokerDefaults,
  grantDefaults,
  optionDefaults,
  routeDefaults,
} from '../../../lib/options/option-defaults.js';
import {
  EndpointOptionRules,
  GrantOptionRules,
  OidcAuthOptionRules,
} from '../../../lib/options/option-rules.js';
import { resolveWith } from './config-error.js';

const source = new URL('../../../lib/options/oidc-auth-options.ts', import.meta.url);
const brokerSource = new URL('../../../lib/options/broker-options.ts', import.meta.url);

/** The members of an interface by name, each with what its `@defaultValue` tag says, if it has one. */
function membersOf(text: string, name: string): Map<string, unknown> {
  const [, body = ''] = new RegExp(`interface ${name} \\{\\n([^]*?)\\n\\}`).exec(text) ?? [];
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
    text = await readFile(source, 'utf8');
  });

  it('agree with the defaults that count', () => {
    expect(tagged(membersOf(text, 'OidcAuthOptions'))).toEqual(optionDefaults);
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
    const objects = [optionDefaults, routeDefaults, grantDefaults, { paths: [] }];

    expect(tags).toHaveLength(objects.flatMap((defaults) => Object.keys(defaults)).length);
  });

  it('are what is resolved when an option is left out', () => {
    const resolved = resolveWith({});
    const { scopes: _scopes, additionalScopes: _additional, ...others } = optionDefaults;

    expect(resolved).toMatchObject(others);
    expect(resolved.scopes).toEqual(['openid', 'profile', 'email']);
    expect(resolved.allowedScopes).toEqual(['openid', 'profile', 'email', 'offline_access']);
    expect(resolved.grants).toEqual({ ...grantDefaults, exchange: false });
    expect(resolved.broker).toBeUndefined();
  });

  it('are what is resolved of broker when nothing but its audience is given', () => {
    const resolved = resolveWith({ broker: { audience: 'myapp-api' } });

    expect(resolved.broker).toMatchObject({ ...brokerDefaults, audience: 'myapp-api' });
    expect(resolved.broker?.issuer).toBe('https://app.example.org');
    expect(resolved.broker?.exchangeClients).toEqual(['my-client']);
    expect(resolved.roleClients).toEqual(['my-client']);
    expect(resolved.grants).toEqual(grantDefaults);
  });
});

const rules = (checked: object): string[] => Object.keys(checked).toSorted();

describe('documented options', () => {
  it('are those that are checked', async () => {
    const text = await readFile(source, 'utf8');
    const names = (name: string): string[] => [...membersOf(text, name).keys()].toSorted();

    expect(names('OidcAuthOptions')).toEqual(rules(new OidcAuthOptionRules()));
    expect(names('GrantOptions')).toEqual(rules(new GrantOptionRules()));
    const brokerText = await readFile(brokerSource, 'utf8');
    const ofBroker = [...membersOf(brokerText, 'BrokerOptions').keys(), 'allowInsecureHttp'];
    expect(ofBroker.toSorted()).toEqual(rules(new BrokerOptionRules()));
    expect([...names('EndpointOptions'), 'allowInsecureHttp'].toSorted()).toEqual(
      rules(new EndpointOptionRules()),
    );
  });
});
