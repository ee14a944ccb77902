type Warn = (...args: unknown[]) => void;

/** Leaves out one line of `oidc-provider`, and nothing else: it asks for Node 22, and this sample is tested on Node 20 too. */
export function withoutRuntimeWarning(warn: Warn): Warn {
  return (...args) => {
    const [line] = args;
    if (typeof line === 'string' && line.includes('oidc-provider WARNING: Unsupported runtime')) {
      return;
    }
    warn(...args);
  };
}

// Importing the library is what prints it, so this is imported before.
// oxlint-disable-next-line no-console
console.warn = withoutRuntimeWarning(console.warn.bind(console));
