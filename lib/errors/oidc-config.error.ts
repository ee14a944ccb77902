/** A mistake of the host's developer: stops start-up and says which option, what was seen, and the mend. */
export class OidcConfigError extends Error {
  override readonly name = 'OidcConfigError';
}
