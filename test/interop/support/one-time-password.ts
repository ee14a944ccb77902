import { createHmac } from 'node:crypto';

const STEP_SEC = 30;

/** How Keycloak keeps a user's secret for one-time passwords. */
export function otpCredential(secret: string): object {
  return {
    type: 'otp',
    secretData: JSON.stringify({ value: secret }),
    credentialData: JSON.stringify({
      subType: 'totp',
      digits: 6,
      counter: 0,
      period: STEP_SEC,
      algorithm: 'HmacSHA1',
    }),
  };
}

/** The one of this half minute (RFC 6238, RFC 4226 §5.3). */
export function oneTimePassword(secret: string): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 1000 / STEP_SEC)));
  const mac = createHmac('sha1', secret).update(counter).digest();
  const at = (mac.at(-1) ?? 0) & 0xf;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}
