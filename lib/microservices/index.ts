export { OidcMicroservicesModule } from './oidc-microservices.module.js';
export type { OidcMicroservicesOptions } from './oidc-microservices.module.js';
