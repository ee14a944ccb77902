/** Where the sample takes its settings from; the defaults fit the identity provider of the quickstart, started beside it. */
export interface Settings {
  port: number;
  mongodbUrl: string;
  discoveryUrl: string;
  clientId: string;
  clientSecret: string;
  encryptionKey: string;
}

export function settingsFrom(env: NodeJS.ProcessEnv): Settings {
  return {
    port: Number(env['PORT'] ?? 3020),
    mongodbUrl: env['MONGODB_URL'] ?? 'mongodb://127.0.0.1:27017/notes',
    discoveryUrl: env['DISCOVERY_URL'] ?? 'http://localhost:3001/.well-known/openid-configuration',
    clientId: env['OIDC_CLIENT_ID'] ?? 'my-client',
    clientSecret: env['OIDC_CLIENT_SECRET'] ?? 'quickstart-secret-that-is-known-to-everybody',
    encryptionKey: env['OIDC_ENCRYPTION_KEY'] ?? 'sample-key-that-is-known-to-everybody-too',
  };
}
