/** How a 401 goes on where proofs of possession may come too (RFC 9449 §7.1). */
export const OR_DPOP =
  ', DPoP algs="ES256 ES384 ES512 EdDSA Ed25519 PS256 PS384 PS512 RS256 RS384 RS512"';
