import { Reason } from '../errors/reason.js';

/** A `state` or handle that opens to nothing, for the log. */
export function unknownLogin(parameter: 'state' | 'code_verifier'): Reason {
  return new Reason(`${parameter} of no login that is known here`, {
    option: '"encryptionKeys"',
    anchor: 'reason-state-of-no-login-that-is-known-here',
    mend: 'a login lives ten minutes, and other instances know it by equal keys alone',
  });
}
