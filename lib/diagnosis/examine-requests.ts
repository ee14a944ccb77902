import type { ResolvedProvider } from '../options/resolve-provider.js';
import { textList } from '../tokens/text-list.js';
import type { Notes } from './notes.js';

/** Whether the provider says that it takes logins as they are sent. */
export function examineRequests(
  document: Readonly<Record<string, unknown>>,
  options: ResolvedProvider,
  notes: Notes,
): void {
  examineSignature(document, options, notes);
  if (options.responseMode === 'query') return;
  examineList(document, 'response_modes_supported', options.responseMode, notes);
}

function examineSignature(
  document: Readonly<Record<string, unknown>>,
  { signedRequests, clientKeys: [key] }: ResolvedProvider,
  notes: Notes,
): void {
  if (key === undefined) {
    if (document['require_signed_request_object'] !== true) return;
    notes.find('signature-demanded', 'the metadata say "require_signed_request_object"');
    return;
  }
  if (!signedRequests) return;
  const { request_parameter_supported: taken } = document;
  if (taken !== true) {
    const seen = `the metadata say ${taken === undefined ? 'nothing' : 'no'} to "request_parameter_supported"`;
    notes.find('request-unlisted', seen, { severity: taken === undefined ? 'warning' : 'error' });
  }
  examineList(document, 'request_object_signing_alg_values_supported', key.alg, notes);
}

/** A list that is there has to name what is used; one that is not leaves it open. */
function examineList(
  document: Readonly<Record<string, unknown>>,
  member: string,
  used: string,
  notes: Notes,
): void {
  const listed = textList(document[member]);
  if (listed.includes(used)) return;
  if (listed.length === 0) {
    notes.find('request-unlisted', `the metadata have no "${member}", and ${used} is used`);
    return;
  }
  const seen = `"${member}" is ${listed.join(', ')}, and not ${used}`;
  notes.find('request-unlisted', seen, { severity: 'error' });
}
