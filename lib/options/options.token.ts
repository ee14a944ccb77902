/** The options as the host wrote them. Never exported from the module: they hold the client secret. */
export const OIDC_AUTH_OPTIONS = Symbol('OIDC_AUTH_OPTIONS');

/** The checked, completed and frozen options ({@link ResolvedOptions}), with the host's functions as they are. */
export const CHECKED_OPTIONS = Symbol('CHECKED_OPTIONS');

/** The same, as everything reads them: what the host's functions throw is told. */
export const RESOLVED_OPTIONS = Symbol('RESOLVED_OPTIONS');

/** The checked routes, known at registration ({@link ResolvedRoutes}). */
export const RESOLVED_ROUTES = Symbol('RESOLVED_ROUTES');

/** A function that gives the path under which the host's RouterModule mounted this module; `''` where it did not. */
export const MOUNT_PATH = Symbol('MOUNT_PATH');

/** The store of broker mode as it was named at registration, or `undefined`. */
export const BROKER_STORE = Symbol('BROKER_STORE');
