/** What application and identity provider know of each other. Only a sample may have a secret in its source. */
export const client = {
  clientId: 'my-client',
  clientSecret: 'quickstart-secret-that-is-known-to-everybody',
  audience: 'my-aud',
  encryptionKey: 'quickstart-key-that-is-known-to-everybody-too',
};
