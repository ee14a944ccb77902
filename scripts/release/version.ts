const BUMPS = ['major', 'minor', 'patch'] as const;
type Bump = (typeof BUMPS)[number];

function isBump(wish: string): wish is Bump {
  return BUMPS.some((one) => one === wish);
}

/**
 * The next version.
 *
 * @param wish `major`, `minor`, `patch`, or a version that is higher (`1.0.0`).
 * @throws Error for anything else.
 */
export function nextVersion(current: string, wish: string): string {
  const [major = 0, minor = 0, patch = 0] = current.split('.').map(Number);
  if (isBump(wish)) {
    const next = {
      major: [major + 1, 0, 0],
      minor: [major, minor + 1, 0],
      patch: [major, minor, patch + 1],
    };
    return next[wish].join('.');
  }
  if (!/^\d+\.\d+\.\d+$/.test(wish)) {
    throw new Error(
      `Say what to release: ${BUMPS.join(', ')} or a version such as 1.0.0; got "${wish}"`,
    );
  }
  const numbers = wish.split('.').map(Number);
  const changed = numbers.findIndex((number, at) => number !== [major, minor, patch][at]);
  if (changed < 0 || (numbers[changed] ?? 0) < ([major, minor, patch][changed] ?? 0)) {
    throw new Error(`${wish} is not higher than ${current}`);
  }
  return wish;
}
