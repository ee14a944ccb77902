// express-oauth2-jwt-bearer in front of the handler; it knows Express alone.
import { auth } from 'express-oauth2-jwt-bearer';

import { apiController, listen, moduleOf, settings } from '../servers/harness.js';
import { common, core } from './nest.js';

const { issuer, audience } = settings;
const Payload = common.createParamDecorator(
  (_, context) => context.switchToHttp().getRequest().auth.payload,
);
const controller = apiController(common, { parameter: Payload() });
const jwksUri = `${issuer}/protocol/openid-connect/certs`;

await listen(moduleOf(common, { controllers: [controller] }), core, (app) =>
  app.use(auth({ issuer, jwksUri, audience, tokenSigningAlg: 'RS256' })),
);
