import { HttpException } from '@nestjs/common';
import type { ApplicationOptions } from '../options/oidc-auth-options.js';
import type { FetchFunction } from '../options/call-options.js';
import type { ResolvedBrokerOptions } from '../options/resolve-broker.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import type { ResolvedProviders } from '../options/resolve-providers.js';
import { isRecord, isText } from '../options/value-rules.js';
import type { HostFaults } from './host-faults.js';

const SECRET_PARAMETERS = [
  'client_secret',
  'client_assertion',
  'code',
  'code_verifier',
  'device_code',
  'refresh_token',
  'subject_token',
  'token',
];

/** What must not be shown of a request. */
function secretsIn({ headers, body }: RequestInit): string[] {
  const [, credentials] = (new Headers(headers).get('authorization') ?? '').split(' ');
  const parameters = body instanceof URLSearchParams ? body : new URLSearchParams();
  return [credentials, ...SECRET_PARAMETERS.map((name) => parameters.get(name))].filter(isText);
}

function isResponse(value: unknown): value is Response {
  return isRecord(value) && typeof value['status'] === 'number' && isRecord(value['headers']);
}

/** The host's `fetch`, telling what it throws. */
export function reportedFetch(fetch: FetchFunction, faults: HostFaults): FetchFunction {
  return async (url, init) => {
    try {
      const response: unknown = await fetch(url, init); // a host without types may give anything
      if (isResponse(response)) return response;
      throw new TypeError('"fetch" gave no Response');
    } catch (error) {
      if (init.signal?.aborted !== true) faults.report('"fetch"', error, secretsIn(init)); // else we ended it
      throw error;
    }
  };
}

/** A login that the host refuses is no fault: {@link LoginAdmission} tells of it. */
export function isLoginRefusal(error: unknown): error is HttpException {
  return error instanceof HttpException && error.getStatus() < 500;
}

function reportedLogin(
  onLogin: NonNullable<ApplicationOptions['onLogin']>,
  faults: HostFaults,
): ApplicationOptions['onLogin'] {
  return async (login) => {
    try {
      await onLogin(login);
    } catch (error) {
      if (!isLoginRefusal(error)) faults.report('"onLogin"', error);
      throw error;
    }
  };
}

function reportedBroker(broker: ResolvedBrokerOptions, faults: HostFaults): ResolvedBrokerOptions {
  const { mapClaims, trustedIssuers } = broker;
  return {
    ...broker,
    mapClaims:
      mapClaims && ((claims) => faults.call('"broker.mapClaims"', () => mapClaims(claims))),
    trustedIssuers:
      typeof trustedIssuers === 'function'
        ? () => faults.call('"broker.trustedIssuers"', trustedIssuers)
        : trustedIssuers,
  };
}

function reportedProviders(providers: ResolvedProviders, faults: HostFaults): ResolvedProviders {
  const { list, source, resolve } = providers;
  return {
    ...providers,
    list: Object.freeze(
      list.map((one) =>
        Object.freeze({ ...one, fetch: one.fetch && reportedFetch(one.fetch, faults) }),
      ),
    ),
    source: source && (() => faults.call('"providers"', source)),
    resolve: resolve && ((request) => faults.call('"resolveProvider"', () => resolve(request))),
  };
}

function reportedSubject(
  subject: NonNullable<ApplicationOptions['subject']>,
  faults: HostFaults,
): ApplicationOptions['subject'] {
  return (claims, provider) => faults.call('"subject"', () => subject(claims, provider));
}

/** Without an id an event is told all the same. */
function reportedRequestId(
  requestId: NonNullable<ApplicationOptions['requestId']>,
  faults: HostFaults,
): ApplicationOptions['requestId'] {
  return () => {
    try {
      return requestId();
    } catch (error) {
      faults.report('"requestId"', error);
      return undefined;
    }
  };
}

/** The options, with every function of the host's in them telling whole what it throws, wherever it is called. */
export function withReportedFaults(options: ResolvedOptions, faults: HostFaults): ResolvedOptions {
  const { fetch, onLogin, subject, requestId, broker, providers } = options;
  return Object.freeze({
    ...options,
    providers: Object.freeze(reportedProviders(providers, faults)),
    fetch: fetch && reportedFetch(fetch, faults),
    onLogin: onLogin && reportedLogin(onLogin, faults),
    requestId: requestId && reportedRequestId(requestId, faults),
    subject: subject && reportedSubject(subject, faults),
    broker: broker && Object.freeze(reportedBroker(broker, faults)),
  });
}
