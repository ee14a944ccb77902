import type { FetchFunction } from '../../../lib/index.js';
import { isJson } from './keycloak-admin.js';

type Json = Readonly<Record<string, unknown>>;

/** An application's option `fetch` under which a provider's JSON answers at a path are others. */
export function changedAnswers(pathEnd: string, change: (body: Json) => Json): FetchFunction {
  return async (url, init) => {
    const response = await fetch(url, init);
    if (!new URL(url).pathname.endsWith(pathEnd)) return response;
    const body: unknown = await response.json();
    return Response.json(isJson(body) ? change(body) : body, { status: response.status });
  };
}

/** A provider that lets devices poll every second, so that its tests take seconds. */
export const pollsEverySecond = changedAnswers('/device/auth', (body) => ({
  ...body,
  interval: 1,
}));

/** A provider without device logins. */
export const noDeviceLogins = changedAnswers('/openid-configuration', (metadata) => {
  const { device_authorization_endpoint: _endpoint, ...others } = metadata;
  return others;
});
