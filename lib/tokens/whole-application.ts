import type { ApplicationConfig } from '@nestjs/core';

/** What our guard is known by where its class may not be imported. */
export const AUTH_GUARD = Symbol('auth guard');

/** Whether our guard is on the whole application (`APP_GUARD`, `useGlobalGuards`); known once the container is built. */
export function guardsEverything(application: ApplicationConfig): boolean {
  return application.getGlobalGuards().some((guard) => AUTH_GUARD in guard);
}
