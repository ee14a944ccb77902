import type { ProviderSettings } from './identity-provider/provider-settings.js';

// Two that know nothing of each other. Only a sample may have their secrets in its source.

/** Named `default`: who asks for no provider gets this one. */
export const exampleIdentity: ProviderSettings = {
  name: 'default',
  title: 'Example Identity',
  client: {
    clientId: 'my-client',
    clientSecret: 'quickstart-secret-that-is-known-to-everybody',
    audience: 'my-aud',
  },
  accounts: [
    {
      sub: '6f1c2a54-8d0e-4a3b-9c57-2f6d1e0b7a11',
      username: 'alice',
      password: 'alice',
      email: 'alice@example.org',
      givenName: 'Alice',
      familyName: 'Archer',
      roles: ['admins', 'users'],
    },
    {
      sub: 'b2d7e9c0-1f34-4e68-8a05-c93b5d4f6e22',
      username: 'bob',
      password: 'bob',
      email: 'bob@example.org',
      givenName: 'Bob',
      familyName: 'Baker',
      roles: ['users'],
    },
  ],
};

/** Of another company, say. Carol is an administrator there, which is nothing here: see `roles` in `app.module.ts`. */
export const partnerIdentity: ProviderSettings = {
  name: 'partner',
  title: 'Partner Identity',
  client: {
    clientId: 'quickstart-at-partner',
    clientSecret: 'another-secret-that-is-known-to-everybody-too',
    audience: 'quickstart-api-at-partner',
  },
  accounts: [
    {
      sub: '4c8d1b7e-52f9-4d06-b1a3-7e90c2f5d833',
      username: 'carol',
      password: 'carol',
      email: 'carol@partner.example',
      givenName: 'Carol',
      familyName: 'Cook',
      roles: ['admins', 'users'],
    },
    {
      sub: 'e05f9a36-c7b1-4f82-93de-1a6b84d07f44',
      username: 'dave',
      password: 'dave',
      email: 'dave@partner.example',
      givenName: 'Dave',
      familyName: 'Dyer',
      roles: ['users'],
    },
  ],
};
