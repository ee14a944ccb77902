export { OidcGraphqlModule } from './oidc-graphql.module.js';
