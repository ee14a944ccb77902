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
  The chat is at ${url}

  # log in as alice, and paste the token that this prints into the page
  curl -sL -b '' "${url}/auth/v2/login?redirect_uri=${url}/auth/v2/callback" | node -pe 'JSON.parse(fs.readFileSync(0)).access_token'

`);
