import { randomBytes } from 'node:crypto';
import { describeError } from '../errors/describe-error.js';
import { OidcConfigError } from '../errors/oidc-config.error.js';
import { doctor } from './doctor.js';
import { DOCTOR_USAGE, UsageError } from './doctor-arguments.js';

const USAGE = `Usage:
${DOCTOR_USAGE}
  nestjs-oidc-auth keys
      makes a key for the option "encryptionKeys"
`;

/** Bytes of an encryption key: as many as its cipher takes. */
const KEY_BYTES = 32;

export type Environment = Readonly<Record<string, string | undefined>>;

/** The command line. @returns the exit code: 0, 1 where something cannot work, 2 for wrong arguments. */
export async function run(
  [command, ...rest]: readonly string[],
  environment: Environment,
  write: (text: string) => void,
): Promise<number> {
  try {
    switch (command) {
      case 'keys':
        write(`${randomBytes(KEY_BYTES).toString('base64')}\n`);
        return 0;
      case 'doctor':
        return await doctor(rest, environment, write);
      case 'help':
      case '--help':
        write(USAGE);
        return 0;
      default:
        write(USAGE);
        return 2;
    }
  } catch (error) {
    if (error instanceof UsageError) {
      write(`${error.message}\n\n${USAGE}`);
      return 2;
    }
    write(`${error instanceof OidcConfigError ? error.message : describeError(error)}\n`);
    return 1;
  }
}
