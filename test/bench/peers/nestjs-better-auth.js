// The session guard of nestjs-better-auth. Its sessions are in memory, and its cookie is believed for five minutes without a look at them.
import { AuthGuard, AuthModule, Session } from '@thallesp/nestjs-better-auth';
import { betterAuth } from 'better-auth';
import { memoryAdapter } from 'better-auth/adapters/memory';

import { decorate, moduleOf, ready, settings } from '../servers/harness.js';
import { common, core } from './nest.js';

const tables = { user: [], session: [], account: [], verification: [] };
const auth = betterAuth({
  baseURL: 'http://localhost:3000',
  secret: settings.clientSecret,
  database: memoryAdapter(tables),
  emailAndPassword: { enabled: true },
  rateLimit: { enabled: false },
  session: { cookieCache: { enabled: true, maxAge: 300 } },
  telemetry: { enabled: false },
});

class Api {
  me(session) {
    return { sub: session.user.id };
  }
}
Session()(Api.prototype, 'me', 0);
decorate([common.Get('me'), common.UseGuards(AuthGuard)], Api.prototype, 'me');
common.Controller()(Api);

const App = moduleOf(common, {
  imports: [AuthModule.forRoot({ auth, disableGlobalAuthGuard: true })],
  controllers: [Api],
});
const adapter =
  settings.adapter === 'fastify' ? new core.FastifyAdapter() : new core.ExpressAdapter();
const app = await core.NestFactory.create(App, adapter, { logger: ['error'], bodyParser: false });
await app.listen(0, '127.0.0.1');

const { headers } = await auth.api.signUpEmail({
  body: { name: 'Jane Doe', email: 'jane@example.org', password: 'correct horse battery' },
  returnHeaders: true,
});
const cookie = headers
  .getSetCookie()
  .map((one) => one.split(';')[0])
  .join('; ');
ready(app.getHttpServer().address().port, { cookie });
