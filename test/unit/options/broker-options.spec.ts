import { describe, expect, it } from 'vitest';

import { BrokerGroup } from '../../../lib/options/broker-options.js';
import { badBrokerValues } from './bad-values.js';
import { resolveWith, startUpMessage } from './config-error.js';

const withBroker = (changes: object) => ({ broker: { audience: 'myapp-api', ...changes } });

const cases = Object.entries(badBrokerValues).flatMap(([option, values]) =>
  values.map(([value, shown]) => ({ option, value, shown })),
);

describe('the start-up table of broker', () => {
  it('has a row for every option', () => {
    const known = Object.keys(new BrokerGroup());

    expect(Object.keys(badBrokerValues).toSorted()).toEqual(known.toSorted());
  });

  it.each(cases)(
    'refuses broker.$option: $shown and says what to do',
    ({ option, value, shown }) => {
      const message = startUpMessage(() => resolveWith(withBroker({ [option]: value })));

      expect(message).toMatch(new RegExp(`^Option "broker\\.${option}" must be .*; got .+\\.$`));
      expect(message).toContain(`; got ${shown.slice(0, 90)}`);
    },
  );

  it('shows no password of a store', () => {
    const store = { toString: () => 'postgres://user:canary@localhost', url: 'canary' };

    const messages = [
      startUpMessage(() =>
        resolveWith({ broker: { audience: '', store: 'postgres://u:canary@h' } }),
      ),
      startUpMessage(() => resolveWith({ broker: { store } })),
    ];

    for (const message of messages) expect(message).not.toContain('canary');
  });

  it('FD-4: needs publicUrl, because minted tokens name it', () => {
    const off = { login: false, callback: false, logout: false };
    const message = startUpMessage(() =>
      resolveWith({ ...withBroker({}), publicUrl: undefined }, off),
    );

    expect(message).toContain('"publicUrl" is missing');
  });

  it('needs the token route', () => {
    const message = startUpMessage(() => resolveWith(withBroker({}), { token: false }));

    expect(message).toContain('"routes.token" is false');
  });

  it('refuses minted tokens that the guard would refuse', () => {
    const tooLong = { ...withBroker({ accessTokenLifetimeSec: 7200 }), maxTokenAgeSec: 3600 };
    const otherAlgorithm = { ...withBroker({}), tokenAlgorithms: ['ES256'] };

    expect(startUpMessage(() => resolveWith(tooLong))).toContain('"maxTokenAgeSec"');
    expect(startUpMessage(() => resolveWith(otherAlgorithm))).toContain(
      '"tokenAlgorithms" lacks RS256',
    );
  });

  it('JW-6: refuses key lifetimes that would make a key set too large for peers', () => {
    const month = 30 * 86_400;
    const tooMany = withBroker({ accessTokenLifetimeSec: month, keyLifetimeSec: 10_800 });
    const enough = withBroker({ accessTokenLifetimeSec: month, keyLifetimeSec: month / 50 });

    expect(startUpMessage(() => resolveWith(tooMany))).toContain(
      '"broker.keyLifetimeSec" is 10800',
    );
    expect(resolveWith(enough).broker?.keyLifetimeSec).toBe(month / 50);
  });

  it('takes the issuer exactly as it is written', () => {
    const issuer = 'https://app.example.org/';

    expect(resolveWith({ ...withBroker({}), publicUrl: issuer }).broker?.issuer).toBe(issuer);
    expect(resolveWith(withBroker({ issuer: 'https://other.example.org/x' })).broker?.issuer).toBe(
      'https://other.example.org/x',
    );
  });
});
