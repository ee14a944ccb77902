import { OnDemand } from './on-demand.js';

const library = new OnDemand('jose', () => import('jose'));

/** The whole of jose. */
export type Jose = typeof import('jose');

/** Its forty files, which no start needs. @throws {@link OidcConfigError} */
export function jose(): Promise<Jose> {
  return library.get();
}
