/** Far below what makes `JSON.stringify`, which recurses, overflow the stack of a request. */
const DEEPEST = 1024;

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** Whether parsed JSON nests so deep that it could be read but not be written again. Does not recurse itself. */
export function nestsTooDeep(json: unknown): boolean {
  let level = [json].filter(isObject);
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > DEEPEST) return true;
    const next: object[] = [];
    for (const node of level) {
      for (const member of Object.values(node)) if (isObject(member)) next.push(member);
    }
    level = next;
  }
  return false;
}
