import { isIP } from 'node:net';

/** The shortest end of a name that can be registrable: a public suffix and one label more. */
function shortestSite(hostname: string): string | undefined {
  const labels = hostname.split('.');
  if (isIP(hostname) !== 0 || labels.length < 2) return undefined;
  return labels.slice(-2).join('.');
}

/**
 * Whether two origins may be of one site, as browsers see it (HTML, "schemelessly same site" and its scheme). Without a list of public suffixes a yes is not
 * certain; a no is.
 */
export function mayBeSameSite(one: URL, other: URL): boolean {
  if (one.protocol !== other.protocol) return false;
  if (one.hostname === other.hostname) return true;
  const site = shortestSite(one.hostname);
  return site !== undefined && site === shortestSite(other.hostname);
}
