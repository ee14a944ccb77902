import { onTestFinished } from 'vitest';

import type { Diagnosis, FindingCode } from '../../lib/index.js';
import { type AppOptions, type TestApp, startApp } from './app.js';

/** An application that ends with the test. */
export async function started(work: Promise<TestApp>): Promise<TestApp> {
  const app = await work;
  onTestFinished(() => app.close());
  return app;
}

/** What an application finds wrong with itself; it ends with the test. */
export async function diagnosed(options: AppOptions): Promise<Diagnosis> {
  const { service } = await started(startApp(options));
  return service.diagnose();
}

export const codesOf = ({ findings }: Diagnosis): FindingCode[] => findings.map(({ code }) => code);
