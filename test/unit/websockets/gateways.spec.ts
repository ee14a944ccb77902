import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { describe, expect, it } from 'vitest';

import { Auth, type AuthRule, Public } from '../../../lib/index.js';
import { AUTH_GUARD } from '../../../lib/tokens/whole-application.js';
import { Gateways } from '../../../lib/websockets/gateways.js';

type Place = readonly [port: number, options: object];

/** A gateway at a place, with the rule of its class. */
function gateway([port, options]: Place, rule?: AuthRule | 'public'): Function {
  class Gateway {
    @SubscribeMessage('one')
    @Auth({ scopes: 'of-the-handler' })
    one(): void {}
  }
  WebSocketGateway(port, options)(Gateway);
  if (rule === 'public') Public()(Gateway);
  else if (rule !== undefined) Auth(rule)(Gateway);
  return Gateway;
}

/** The gateways of an application, with our guard on the whole of it or not. */
function gateways(classes: readonly unknown[], guarded = false): Gateways {
  const providers = classes.map((metatype) => ({ metatype }));
  const guards = guarded ? [{ [AUTH_GUARD]: true }] : [];
  return new Gateways(
    Object({ getProviders: () => providers }),
    Object({ getGlobalGuards: () => guards }),
  );
}

const chat: Place = [0, { namespace: 'chat' }];
const open = { optional: true, scopes: [] };

describe('what a connection must hold', () => {
  it('is what the class of its gateway demands, and nothing of its handlers', () => {
    const demands = gateways([gateway(chat, { scopes: 'a' })]).demandsAt(...chat);

    expect(demands).toMatchObject({ scopes: ['a'], optional: false });
  });

  it('is what all classes at one place demand', () => {
    const both = [gateway(chat, { scopes: 'a' }), gateway(chat, { scopes: 'b' })];

    expect(gateways(both).demandsAt(...chat)).toMatchObject({
      scopes: ['a', 'b'],
      optional: false,
    });
  });

  it.each<[string, AuthRule | 'public' | undefined]>([
    ['is public', 'public'],
    ['is optional', { optional: true }],
    ['says nothing', undefined],
  ])('is nothing where another gateway there %s', (_, rule) => {
    const both = [gateway(chat, { scopes: 'a' }), gateway(chat, rule)];

    expect(gateways(both).demandsAt(...chat)).toMatchObject(open);
  });

  it('is a token where the whole application is guarded and the class says nothing', () => {
    const one = gateways([gateway(chat)], true);

    expect(one.demandsAt(...chat)).toMatchObject({ optional: false, scopes: [] });
    expect(gateways([gateway(chat, 'public')], true).demandsAt(...chat)).toMatchObject(open);
  });

  it.each<[string, Place, Place]>([
    ['port', [3001, {}], [3002, {}]],
    ['namespace', [0, { namespace: 'chat' }], [0, { namespace: 'news' }]],
    ['pattern of namespaces', [0, { namespace: /^\/a/ }], [0, { namespace: /^\/b/ }]],
    ['path', [0, { path: '/chat' }], [0, { path: '/news' }]],
  ])('knows gateways apart by their %s', (_, here, there) => {
    const both = gateways([gateway(here, { scopes: 'here' }), gateway(there, { scopes: 'there' })]);

    expect(both.demandsAt(...here).scopes).toEqual(['here']);
    expect(both.demandsAt(...there).scopes).toEqual(['there']);
  });

  it.each<[string, Place, Parameters<Gateways['demandsAt']>]>([
    ['a slash ahead of a namespace', [0, { namespace: 'chat' }], [0, { namespace: '/chat' }]],
    ['a port as text', [3001, {}], ['3001', {}]],
    ['no options', [0, {}], [0, undefined]],
    ['no port', [0, {}], [undefined, {}]],
  ])('is the same with %s', (_, declared, asked) => {
    const one = gateways([gateway(declared, { scopes: 'a' })]);

    expect(one.demandsAt(...asked).scopes).toEqual(['a']);
  });

  it('is nothing where there is no gateway; providers that are none do not count', () => {
    class Service {}
    Auth({ scopes: 'a' })(Service);

    for (const one of [Service, () => undefined, null, undefined, 'text']) {
      expect(gateways([one], true).demandsAt(0, {})).toMatchObject(open);
    }
  });
});
