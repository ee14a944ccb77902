import { NestFactory } from '@nestjs/core';
import { TestIssuer } from 'nestjs-oidc-auth/testing';

import { AppModule } from './app.module.js';

const port = Number(process.env['PORT'] ?? 3000);
const url = `http://localhost:${port}`;

// Takes everybody for alice and asks nothing. Yours comes with four options: clientId, clientSecret, discoveryUrl, audience.
const issuer = await TestIssuer.start({ user: { sub: 'alice', preferred_username: 'alice' } });

const app = await NestFactory.create(AppModule.forRoot({ ...issuer.options, publicUrl: url }), {
  logger: ['warn', 'error', 'fatal'],
});
app.enableShutdownHooks();
await app.listen(port, '127.0.0.1'); // loopback only

process.stdout.write(`
  GraphQL is at ${url}/graphql, subscriptions (graphql-ws) too

  # log in as alice, who asks for what she may and may not see
  ask() { curl -s -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d "{\\"query\\":\\"$1\\"}" ${url}/graphql; echo; }
  ask '{ status }'; ask '{ me }'
  TOKEN=$(curl -sL -b '' "${url}/auth/v2/login?redirect_uri=${url}/auth/v2/callback" | node -pe 'JSON.parse(fs.readFileSync(0)).access_token')
  ask '{ me }'; ask 'mutation { order(item: \\\\\\"tea\\\\\\") }'; ask '{ orders }'

`);
