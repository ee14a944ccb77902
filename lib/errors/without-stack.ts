/**
 * Makes an error that says everything but where it was made: for the usual refusals of what strangers send. The stack takes as long as the rest of such an error, nobody reads it,
 * and the sender chooses how many there are.
 */
export function withoutStack<Made extends Error>(make: () => Made): Made {
  const { stackTraceLimit } = Error;
  Reflect.set(Error, 'stackTraceLimit', 0); // in vain where a host has frozen it
  try {
    return make();
  } finally {
    Reflect.set(Error, 'stackTraceLimit', stackTraceLimit);
  }
}
