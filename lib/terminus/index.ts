export { OidcHealthIndicator } from './oidc-health.indicator.js';
