import { BrokerMode } from './broker-mode.js';
import type { Mode } from './mode.js';
import { PassthroughMode } from './passthrough-mode.js';
import type { Surroundings } from './surroundings.js';

/** The one place that asks which mode it is. */
export function createMode(surroundings: Surroundings): Mode {
  const { broker } = surroundings.options;
  return broker === undefined
    ? new PassthroughMode(surroundings)
    : new BrokerMode(surroundings, broker);
}
