import { describe, expect, it } from 'vitest';

import { unavailable } from '../../../lib/errors/oauth.error.js';
import { chosenEntry } from '../../../lib/providers/chosen-entry.js';
import type { TokenIssuer, VerificationKeys } from '../../../lib/tokens/verification-keys.js';

const ISSUER = 'https://idp.example.org';
const down = unavailable('metadata');

interface Entry {
  readonly clientId: string;
  readonly audience: readonly string[] | false;
  readonly answer: 'up' | 'down' | 'other issuer';
}

const keys: VerificationKeys = { candidates: () => Promise.resolve([]), holds: () => false };

function providerOf({
  answer,
  audience,
  clientId,
}: Entry): Parameters<typeof chosenEntry>[0][number] {
  const issuer: TokenIssuer = {
    kind: 'provider',
    issuer: ISSUER,
    provider: clientId,
    keys,
    algorithms: [],
    audience,
    clientId,
    roleClients: [],
    defaultDemands: [],
    demands: [],
  };
  return {
    options: { audience, clientId },
    named: async () => {
      if (answer === 'down') throw down;
      return answer === 'up' ? issuer : undefined;
    },
  };
}

const marks = { audiences: ['api-a'], party: 'a' };

describe('the entry that a token is of, among several of one issuer', () => {
  it.each<[string, Entry[], string | undefined]>([
    ['the only one', [entry('a', ['api-a'])], 'a'],
    ['the only one, whatever the audience', [entry('a', ['api-b'])], 'a'],
    ['the one of the audience', [entry('a', ['api-a']), entry('b', ['api-b'])], 'a'],
    ['the one of the client', [entry('a', ['api-a']), entry('b', ['api-a'])], 'a'],
    ['the one of the client', [entry('a', false), entry('b', false)], 'a'],
    ['none of two that fit', [entry('b', ['api-a']), entry('c', ['api-a'])], undefined],
    ['none of another issuer', [entry('a', ['api-a'], 'other issuer')], undefined],
    ['the one that is up', [entry('a', ['api-a']), entry('b', ['api-b'], 'down')], 'a'],
    ['by client', [entry('a', ['api-a']), entry('b', ['api-a'], 'down')], 'a'],
  ])('is %s: %j', async (_, entries, expected) => {
    const found = await chosenEntry(entries.map(providerOf), ISSUER, () => marks);

    expect(found?.provider).toBe(expected);
  });

  it.each<[string, Entry[]]>([
    ['the only one', [entry('a', ['api-a'], 'down')]],
    ['the one of the audience', [entry('a', ['api-a'], 'down'), entry('b', ['api-b'])]],
    ['the one of the client', [entry('a', ['api-a'], 'down'), entry('b', ['api-a'])]],
    ['the one of the client', [entry('a', false, 'down'), entry('b', false)]],
    ['maybe the one', [entry('b', ['api-a'], 'down'), entry('c', ['api-a'])]],
  ])('cannot be told while %s is down: %j', async (_, entries) => {
    await expect(chosenEntry(entries.map(providerOf), ISSUER, () => marks)).rejects.toBe(down);
  });
});

function entry(
  clientId: string,
  audience: Entry['audience'],
  answer: Entry['answer'] = 'up',
): Entry {
  return { clientId, audience, answer };
}
