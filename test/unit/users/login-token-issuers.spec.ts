import { expect, it } from 'vitest';

import { LoginTokenIssuers } from '../../../lib/users/login-token-issuers.js';
import { TEST_CLIENT_SECRET } from '../../support/provider-options.js';
import { startVerifier } from '../../support/verifier.js';

it('CL-2: an access token that came from the token endpoint is one, and may be for any audience', async () => {
  const { provider, verifier } = await startVerifier({
    options: { clientSecret: TEST_CLIENT_SECRET, introspection: true },
  });
  const issuers = new LoginTokenIssuers(verifier.provider);

  const issuer = await issuers.named(provider.issuer);

  expect(issuer).toMatchObject({ audience: false, cameAsAccessToken: true });
  expect(issuer).not.toHaveProperty('introspection'); // nobody is asked of it
  expect(await issuers.named('https://evil.example')).toBeUndefined();
});
