import type { INestApplicationContext } from '@nestjs/common';

import { BrokerMode } from '../../lib/service/broker-mode.js';
import type { BrokerParts } from '../../lib/service/broker-parts.js';
import { Mode } from '../../lib/service/mode.js';

/** The parts of an application in broker mode, of which its container knows nothing. */
export function brokerParts(app: INestApplicationContext): BrokerParts {
  const mode = app.get(Mode, { strict: false });
  if (!(mode instanceof BrokerMode)) throw new Error('The application is in passthrough mode');
  return mode.parts;
}
