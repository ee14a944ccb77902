import { isText } from './value-rules.js';

const LONGEST_ISSUER = 2000;

/** Whatever a provider may write as `iss`: it is compared and never fetched, so any scheme will do. */
export function isIssuerList(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.every(
      (one) => isText(one) && one.length <= LONGEST_ISSUER && /^[\u0021-\u007e]+$/.test(one),
    )
  );
}
