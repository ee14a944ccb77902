import type { Diagnosis } from './finding.js';

/** Whether this process was started to be looked at: `OIDC_DOCTOR=1 node dist/main`. */
export function doctorIsAsked(): boolean {
  return process.env['OIDC_DOCTOR'] === '1';
}

/** Prints a diagnosis, and ends the process: with 1 where something cannot work, else with 0. */
export async function runDoctor(diagnose: () => Promise<Diagnosis>): Promise<void> {
  const { diagnosisText } = await import('./notes.js');
  const diagnosis = await diagnose();
  await new Promise<void>((written) => {
    process.stdout.write(diagnosisText(diagnosis), () => written());
  });
  process.exit(diagnosis.ok ? 0 : 1);
}
