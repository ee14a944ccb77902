import { Health, type HealthReport } from './health.js';

/** The keys of the providers are all that tokens are verified with. */
export class PassthroughHealth extends Health {
  protected async look(): Promise<HealthReport> {
    const providers = await this.ofProviders();
    const all = Object.values(providers);
    if (all.every(({ status }) => status === 'down')) return { status: 'down', providers };
    const status = all.every((one) => one.status === 'up') ? 'up' : 'degraded';
    return { status, providers };
  }
}
