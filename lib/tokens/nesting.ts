/** Far below what makes `JSON.stringify`, which recurses, overflow the stack of a request. */
const DEEPEST = 1024;

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** What an object or a list of parsed JSON holds; a list is itself that. */
export function membersOf(node: object): readonly unknown[] {
  return Array.isArray(node) ? node : Object.values(node);
}

/** Whether parsed JSON nests so deep that it could be read but not be written again. Does not recurse itself. */
export function nestsTooDeep(json: unknown): boolean {
  let level = [json].filter(isObject);
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > DEEPEST) return true;
    const next: object[] = [];
    for (const node of level) {
      for (const member of membersOf(node)) if (isObject(member)) next.push(member);
    }
    level = next;
  }
  return false;
}
