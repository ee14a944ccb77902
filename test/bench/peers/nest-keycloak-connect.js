// nest-keycloak-connect, which verifies by itself (offline).
import {
  AuthGuard,
  AuthenticatedUser,
  KeycloakConnectModule,
  PolicyEnforcementMode,
  TokenValidation,
} from 'nest-keycloak-connect';

import { apiController, listen, moduleOf, settings } from '../servers/harness.js';
import { common, core } from './nest.js';

const [authServerUrl, realm] = settings.issuer.split('/realms/');
const keycloak = KeycloakConnectModule.register({
  authServerUrl,
  realm,
  clientId: settings.clientId,
  secret: settings.clientSecret,
  policyEnforcement: PolicyEnforcementMode.PERMISSIVE,
  tokenValidation: TokenValidation.OFFLINE,
  logLevels: ['error'],
});
const controller = apiController(common, { guards: [AuthGuard], parameter: AuthenticatedUser() });
await listen(moduleOf(common, { imports: [keycloak], controllers: [controller] }), core);
