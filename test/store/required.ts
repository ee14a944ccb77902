/**
 * Why a suite is skipped, for its title; where every suite must run, as in CI, a reason to skip is an error.
 *
 * @param reason `undefined`: there is none.
 */
export function required(what: string, reason: string | undefined): string | undefined {
  if (reason === undefined) return undefined;
  if (process.env['OIDC_TEST_REQUIRE'] === '1')
    throw new Error(`${what} must be tested: ${reason}`);
  return `skipped: ${reason}`;
}
