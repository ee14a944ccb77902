import { decodeJwt } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import type { OidcAuthOptions } from '../../lib/index.js';
import { flowAdapters, type TestApp } from '../support/app.js';
import { startBrokerApp } from '../support/broker-app.js';
import { compactJws, keySigner } from '../support/compact-jws.js';
import { pollDevice, startDevice } from '../support/device-login.js';
import { FakeClock } from '../support/fake-clock.js';
import type { Reply } from '../support/http-request.js';
import { logoutToken, sendLogoutToken } from '../support/logout-token.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';
import { expectRefusal } from '../support/refusal.js';
import type { SigningKey } from '../support/signing-keys.js';

type Algorithms = OidcAuthOptions['idTokenAlgorithms'];

/** What the metadata lists, what the option says, and what may sign then. */
const cases: readonly [listed: unknown, option: Algorithms, accepted: readonly string[]][] = [
  [['RS256', 'ES256', 'EdDSA'], undefined, ['RS256']],
  [['ES256', 'RS256'], undefined, ['RS256']],
  [['RS256', 'none', 'HS256'], undefined, ['RS256']],
  [['ES256', 'EdDSA'], undefined, ['ES256', 'EdDSA']],
  [['none', 'ES256'], undefined, ['ES256']],
  [['HS256', 'EdDSA'], undefined, ['EdDSA']],
  [['HS256', 'none'], undefined, ['RS256']],
  [[], undefined, ['RS256']],
  [undefined, undefined, ['RS256']],
  [null, undefined, ['RS256']],
  ['ES256', undefined, ['ES256']],
  [[1, null, 'ES256'], undefined, ['ES256']],
  [['RS256', 'ES256', 'EdDSA'], ['ES256'], ['ES256']],
  [['RS256'], ['EdDSA', 'ES256'], ['ES256', 'EdDSA']],
  [['ES256'], ['RS256'], ['RS256']],
];

const named = cases.map(([listed, option, accepted]) => ({ listed, option, accepted }));

const now = () => Math.floor(Date.now() / 1000);

async function byCode(app: TestApp): Promise<Reply> {
  return postToken(app, handleForm(await openLogin(app)));
}

/** The payload of an ID token as JSON text, signed anew, with another text in the place of its `exp`. */
function withEnd(idToken: unknown, exp: string, key: SigningKey): string {
  const text = JSON.stringify({ ...decodeJwt(String(idToken)), exp: 'END' });
  return compactJws({ alg: key.alg, kid: key.kid }, text.replace('"END"', exp), keySigner(key));
}

describe.each(flowAdapters)('the algorithms of ID tokens and logout tokens on %s', (adapter) => {
  const clock = new FakeClock();
  let provider: MisbehavingProvider;

  beforeAll(async () => {
    provider = await startMisbehavingProvider({ clock });
  });

  beforeEach(() => {
    provider.resetBehaviour();
  });

  afterAll(() => provider.close());

  async function start(listed: unknown, option?: Algorithms): Promise<TestApp> {
    provider.behaviour.metadata = (document) => ({
      ...document,
      id_token_signing_alg_values_supported: listed,
    });
    const options = option === undefined ? {} : { idTokenAlgorithms: option };
    const app = await startBrokerApp({ adapter, provider, clock, options });
    onTestFinished(() => app.close());
    return app;
  }

  async function byDevice(app: TestApp): Promise<Reply> {
    const { deviceCode, userCode } = await startDevice(app);
    provider.approveDevice(userCode);
    return pollDevice(app, deviceCode);
  }

  /** A refresh of a session whose login was good. */
  async function byRefresh(app: TestApp, accepted: readonly string[]): Promise<Reply> {
    const signer = provider.keys.find(({ alg }) => alg === accepted[0]);
    const during = provider.behaviour.idToken;
    provider.behaviour.idToken = signer === undefined ? {} : { signer };
    const { refresh_token } = (await byCode(app)).json();
    provider.behaviour.idToken = during;
    return postToken(app, { refresh_token: String(refresh_token) });
  }

  it.each(named)(
    'CB-5: metadata with $listed and the option $option: $accepted',
    async ({ listed, option, accepted }) => {
      const app = await start(listed, option);
      for (const signer of provider.keys) {
        const good = accepted.includes(signer.alg);
        provider.behaviour.idToken = { signer };
        const sid = { sid: 'nobody', sub: undefined };
        const token = logoutToken(provider, { key: signer, claims: sid });

        const statuses = {
          code: (await byCode(app)).status,
          device: (await byDevice(app)).status,
          refresh: (await byRefresh(app, accepted)).status,
          logout: (await sendLogoutToken(app, token)).status,
        };

        expect({ alg: signer.alg, ...statuses }).toEqual(
          good
            ? { alg: signer.alg, code: 200, device: 200, refresh: 200, logout: 200 }
            : { alg: signer.alg, code: 502, device: 502, refresh: 502, logout: 400 },
        );
      }
    },
  );

  it('JV-1: says nothing about access tokens, which have an option of their own', async () => {
    const app = await start(['ES256'], ['ES256']);
    const [rsa, ec] = provider.keys;
    if (rsa === undefined || ec === undefined) throw new Error('no keys');
    provider.behaviour.idToken = { signer: ec };
    provider.behaviour.accessToken = {
      signer: rsa,
      claims: (claims) => ({ ...claims, groups: ['from-the-access-token'] }),
    };

    const { access_token } = (await byCode(app)).json();

    expect(decodeJwt(String(access_token))['roles']).toContain('from-the-access-token');
  });

  describe('and the end of ID tokens', () => {
    it.each<[name: string, exp: () => string]>([
      ['without end', () => '1e400'],
      ['that ended', () => String(now() - 10)],
      ['that ended long ago', () => '1'],
      ['that ended before 1970', () => '-1'],
      ['with an end that is text', () => `"${now() + 300}"`],
      ['with an end that is null', () => 'null'],
      ['with an end that is a list', () => `[${now() + 300}]`],
    ])('CB-5: one %s ends no login', async (_name, exp) => {
      const app = await start(['RS256']);
      provider.behaviour.tokenResponse = (body) => ({
        ...body,
        id_token: withEnd(body['id_token'], exp(), provider.signingKey),
      });

      expectRefusal(await byCode(app), 502, 'server_error');
    });

    it('CB-5: one that ended within the tolerance does', async () => {
      const app = await start(['RS256']);
      provider.behaviour.tokenResponse = (body) => ({
        ...body,
        id_token: withEnd(body['id_token'], String(now() - 2), provider.signingKey),
      });

      expect((await byCode(app)).status).toBe(200);
    });
  });
});
