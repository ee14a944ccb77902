import type { HostFaults } from '../events/host-faults.js';
import type { LoginFailure } from '../options/browser-session-options.js';
import type { ResolvedBrowserSessions } from '../options/resolve-browser-sessions.js';
import type { DemandedAnswer } from './login-demand.js';
import { type FailedLogin, HOST_PAGE_HEADERS, PAGE_HEADERS, failurePage } from './pages.js';

/** The failure page, the host's where it has one; ours where that throws, or gives no text. */
export function failureAnswer(
  failure: LoginFailure,
  { failurePage: ofHost }: ResolvedBrowserSessions,
  faults: HostFaults,
): DemandedAnswer {
  const { status } = failure;
  try {
    const body: unknown = ofHost?.(failure);
    if (typeof body === 'string')
      return { status, headers: Object.entries(HOST_PAGE_HEADERS), body };
    if (ofHost !== undefined) faults.report('"session.failurePage"', new TypeError('no string'));
  } catch (error) {
    faults.report('"session.failurePage"', error);
  }
  return ownFailureAnswer(failure);
}

/** Our failure page. */
export function ownFailureAnswer(failure: FailedLogin): DemandedAnswer {
  const { status } = failure;
  return { status, headers: Object.entries(PAGE_HEADERS), body: failurePage(failure) };
}
