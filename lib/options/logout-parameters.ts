/** What stands for the target of a logout in the values of the option `logoutParameters`. */
export const LOGOUT_TARGET = '{post_logout_redirect_uri}';

/** The parameters of one logout; those that need a target are left out where there is none. */
export function logoutParametersFor(
  parameters: Readonly<Record<string, string>>,
  target: string | undefined,
): Record<string, string> {
  const filled = Object.entries(parameters).flatMap(([name, value]) => {
    if (!value.includes(LOGOUT_TARGET)) return [[name, value] as const];
    return target === undefined
      ? []
      : [[name, value.replaceAll(LOGOUT_TARGET, () => target)] as const];
  });
  return Object.fromEntries(filled);
}
