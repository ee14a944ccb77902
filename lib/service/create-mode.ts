import type { Mode } from './mode.js';
import { PassthroughMode } from './passthrough-mode.js';
import type { Surroundings } from './surroundings.js';

/** The one place that asks which mode it is. What only broker mode needs is loaded for it alone. */
export async function createMode(surroundings: Surroundings): Promise<Mode> {
  const { broker } = surroundings.options;
  if (broker === undefined) return new PassthroughMode(surroundings);
  const { BrokerMode } = await import('./broker-mode.js');
  return new BrokerMode(surroundings, broker);
}
