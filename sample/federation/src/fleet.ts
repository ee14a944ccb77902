/** What the two instances, and the identity provider behind them, have in common. Only a sample has a secret in its source. */
export const fleet = {
  clientId: 'my-client',
  clientSecret: 'federation-secret-that-is-known-to-everybody',
  /** `aud` of the identity provider's access tokens. */
  providerAudience: 'my-aud',
  /** `aud` of the tokens that the instances mint: the same one everywhere, or they refuse each other's. */
  audience: 'fleet-api',
};
