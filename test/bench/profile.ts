/** A `.cpuprofile` of V8. */
export interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
    };
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface Frame {
  readonly name: string;
  readonly ours: boolean;
  us: number;
  readonly children: Map<string, Frame>;
}

const WIDTH = 1200;
const ROW = 16;
const SMALLEST_SHARE = 0.002;

function newFrame(name: string, ours = false): Frame {
  return { name, ours, us: 0, children: new Map() };
}

function fileOf(url: string): string {
  const path = url.replace(/^file:\/\//, '').replace(/^.*\/node_modules\//, '');
  return path.replace(/^.*\/dist\//, 'dist/').replace(/^.*\/test\/bench\//, 'bench/');
}

/** The stacks of all samples, put together from the root; idle time and the collector apart. */
function framesOf(profile: Profile): Frame {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map(
    profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)),
  );
  const root = newFrame('all');
  profile.samples.forEach((sample, at) => {
    const stack: number[] = [];
    for (let id: number | undefined = sample; id !== undefined; id = parents.get(id))
      stack.unshift(id);
    const us = profile.timeDeltas[at] ?? 0;
    if (nodes.get(sample)?.callFrame.functionName === '(idle)') return;
    root.us += us;
    let frame = root;
    for (const id of stack.slice(1)) {
      const call = nodes.get(id)?.callFrame;
      if (call === undefined) continue;
      const file = fileOf(call.url);
      const name = `${call.functionName || '(anonymous)'} ${file}:${call.lineNumber + 1}`;
      const known = frame.children.get(name) ?? newFrame(name, file.startsWith('dist/'));
      frame.children.set(name, known);
      known.us += us;
      frame = known;
    }
  });
  return root;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function* boxes(
  frame: Frame,
  total: number,
  x: number,
  depth: number,
): Generator<{ frame: Frame; x: number; depth: number }> {
  yield { frame, x, depth };
  let left = x;
  for (const child of [...frame.children.values()].toSorted((one, other) => other.us - one.us)) {
    if (child.us / total >= SMALLEST_SHARE) yield* boxes(child, total, left, depth + 1);
    left += child.us;
  }
}

/** A flame graph: as wide as its share of the processor time, what it calls above it. */
export function flameGraph(profile: Profile, title: string): string {
  const root = framesOf(profile);
  const all = [...boxes(root, root.us, 0, 0)];
  const height = (Math.max(...all.map(({ depth }) => depth)) + 3) * ROW;
  const shapes = all.map(({ frame, x, depth }) => {
    const left = (x / root.us) * WIDTH;
    const width = (frame.us / root.us) * WIDTH;
    const y = height - (depth + 1) * ROW;
    const share = ((frame.us / root.us) * 100).toFixed(1);
    const letters = Math.floor(width / 6.2);
    const text =
      letters < 4
        ? ''
        : `<text x="${(left + 2).toFixed(1)}" y="${y + 12}">${escaped(frame.name.slice(0, letters))}</text>`;
    const fill = frame.ours ? '#7fb2e5' : '#f3d19c';
    return `<g><title>${escaped(frame.name)} (${share} %)</title><rect x="${left.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${ROW - 1}" fill="${fill}"/>${text}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="monospace" font-size="10">`,
    `<text x="4" y="14" font-size="13">${escaped(title)}</text>`,
    ...shapes,
    '</svg>\n',
  ].join('\n');
}

/** What was spent in each function itself, the dearest first: for the terminal. */
export function dearest(profile: Profile, count: number): string[] {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node.callFrame]));
  const spent = new Map<string, number>();
  let total = 0;
  profile.samples.forEach((sample, at) => {
    const call = nodes.get(sample);
    if (call === undefined || call.functionName === '(idle)') return;
    const name = `${call.functionName || '(anonymous)'} ${fileOf(call.url)}:${call.lineNumber + 1}`;
    const us = profile.timeDeltas[at] ?? 0;
    spent.set(name, (spent.get(name) ?? 0) + us);
    total += us;
  });
  return [...spent]
    .toSorted(([, one], [, other]) => other - one)
    .slice(0, count)
    .map(([name, us]) => `${((us / total) * 100).toFixed(1).padStart(5)} %  ${name}`);
}
