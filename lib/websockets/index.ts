export { OidcWebsocketsModule } from './oidc-websockets.module.js';
