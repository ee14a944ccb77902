import { startFederation } from './start-federation.js';
import { welcome } from './welcome.js';

const ports = {
  portA: portFrom('PORT_A', 3100),
  portB: portFrom('PORT_B', 3200),
  idpPort: portFrom('IDP_PORT', 3300),
};

try {
  const federation = await startFederation(ports);
  process.stdout.write(welcome(federation));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void federation.close());
  }
} catch (error) {
  if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
  process.stderr.write(
    `\nOne of the ports ${Object.values(ports).join(', ')} is taken by another program. Choose others with the ` +
      'variables PORT_A, PORT_B and IDP_PORT.\n\n',
  );
  process.exitCode = 1;
}

function portFrom(variable: string, fallback: number): number {
  const port = Number(process.env[variable] ?? fallback);
  if (Number.isInteger(port) && port >= 1 && port <= 65535) return port;
  throw new RangeError(`${variable} must be a port number from 1 to 65535.`);
}
