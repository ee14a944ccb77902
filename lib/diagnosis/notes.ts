import { findingLink } from '../errors/page-link.js';
import { printable } from '../errors/printable.js';
import {
  type Diagnosis,
  type Finding,
  type FindingCode,
  type FindingSeverity,
  type Kind,
  findingKinds,
} from './finding.js';

/** Takes findings and facts down, about one thing. */
export class Notes {
  readonly findings: Finding[] = [];
  readonly facts: string[] = [];

  constructor(readonly about: string) {}

  find(
    code: FindingCode,
    seen: string,
    instead: Partial<Pick<Kind, 'severity' | 'mend'>> = {},
  ): void {
    const { severity, mend } = { ...findingKinds[code], ...instead };
    this.findings.push({
      code,
      severity,
      about: this.about,
      seen: printable(seen, 500),
      mend,
      link: findingLink(code),
    });
  }

  note(fact: string): void {
    this.facts.push(printable(`${this.about}: ${fact}`, 500));
  }
}

export function diagnosisOf(notes: readonly Notes[]): Diagnosis {
  const findings = notes.flatMap((one) => one.findings);
  const ok = findings.every(({ severity }) => severity !== 'error');
  return { ok, findings, facts: notes.flatMap((one) => one.facts) };
}

/** A diagnosis for people at a terminal. */
export function diagnosisText({ findings, facts }: Diagnosis): string {
  const count = (severity: FindingSeverity) =>
    findings.filter((finding) => finding.severity === severity).length;
  return [
    ...facts.map((fact) => `  ${fact}`),
    ...findings.flatMap(({ code, severity, about, seen, mend, link }) => [
      '',
      `${severity} ${code}: ${about}: ${seen}`,
      `  mend: ${mend}`,
      `  more: ${link}`,
    ]),
    '',
    `${count('error')} errors, ${count('warning')} warnings`,
    '',
  ].join('\n');
}
