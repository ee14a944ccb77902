/** Parameters of a request, with one of the name `resource` for each target (RFC 8707 §2). */
export function withResource(
  parameters: Readonly<Record<string, string>>,
  resource: readonly string[],
): URLSearchParams {
  const all = new URLSearchParams(parameters);
  for (const one of resource) all.append('resource', one);
  return all;
}
