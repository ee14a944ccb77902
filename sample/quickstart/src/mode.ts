/** Whose tokens clients get: the application's own, or the identity provider's. */
export const modes = ['broker', 'passthrough'] as const;

export type Mode = (typeof modes)[number];
