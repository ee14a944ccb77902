import { request, type Reply } from './http-request.js';

/** A device login that an application began. */
export interface DeviceLogin {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly intervalSec: number;
}

/** Begins a device login with an empty form, as the Python client does. */
export async function startDevice(app: { readonly url: string }): Promise<DeviceLogin> {
  const reply = await request(`${app.url}/auth/v2/device`, { form: {} });
  if (reply.status !== 200) throw new Error(`No device login: ${reply.status} ${reply.text()}`);
  const { device_code, user_code, interval } = reply.json();
  return {
    deviceCode: String(device_code),
    userCode: String(user_code),
    intervalSec: Number(interval),
  };
}

/** One poll, spelt as the Python client spells it. */
export function pollDevice(app: { readonly url: string }, deviceCode: string): Promise<Reply> {
  return request(`${app.url}/auth/v2/token`, { form: { 'device-code': deviceCode } });
}
