import { StartError } from './listen.js';
import { type Mode, modes } from './mode.js';
import { startQuickstart } from './start-quickstart.js';
import { welcome } from './welcome.js';

try {
  const port = portFrom('PORT', 3000);
  const idpPort = portFrom('IDP_PORT', 3001);
  const partnerPort = portFrom('PARTNER_PORT', 3002);
  const mode = modeFrom('MODE');
  const quickstart = await startQuickstart({ port, idpPort, partnerPort, mode });
  process.stdout.write(welcome(quickstart));
} catch (error) {
  if (!(error instanceof StartError)) throw error;
  process.stderr.write(`\n${error.message}\n\n`);
  process.exitCode = 1;
}

function portFrom(variable: string, fallback: number): number {
  const value = process.env[variable];
  if (value === undefined || value === '') return fallback;
  const port = Number(value);
  if (Number.isInteger(port) && port >= 1 && port <= 65535) return port;
  throw new StartError(`${variable} must be a port number from 1 to 65535, not "${value}".`);
}

function modeFrom(variable: string): Mode {
  const value = process.env[variable] ?? '';
  const mode = modes.find((one) => one === (value === '' ? 'broker' : value));
  if (mode !== undefined) return mode;
  throw new StartError(`${variable} must be ${modes.join(' or ')}, not "${value}".`);
}
