const WIDTH = 720;
const HEIGHT = 360;
const LEFT = 70;
const RIGHT = 170;
const TOP = 44;
const BOTTOM = 52;
const BAR = 26;
const NAMES = 240;
const TICKS = 4;
const COLOURS = ['#1f6fb2', '#c05a1d', '#3b8a4a', '#8a4f9e', '#7a7a7a'];
const TEXT = '#222222';
const LINE = '#d5d5d5';

/** Points of one kind, joined by a line. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Bar {
  readonly name: string;
  readonly value: number;
  /** Whether it is what the plot is about. */
  readonly ours?: boolean;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function label(x: number, y: number, content: string, attributes = ''): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" fill="${TEXT}" ${attributes}>${escaped(content)}</text>`;
}

function picture(height: number, title: string, shapes: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    label(12, 22, title, 'font-size="15" font-weight="bold"'),
    ...shapes,
    '</svg>\n',
  ].join('\n');
}

function shortNumber(value: number): string {
  if (value >= 1_000_000) return `${Number((value / 1_000_000).toFixed(1))} million`;
  if (value >= 10) return Math.round(value).toLocaleString('en');
  return String(Number(value.toFixed(2)));
}

/** The next number of one digit, so that an axis ends at a number that people can read. */
function rounded(value: number): number {
  const step = 10 ** Math.floor(Math.log10(value));
  return Math.ceil(value / step) * step;
}

/** What grows with what: x by powers of ten, y from zero. */
export function lineChart(
  title: string,
  axes: { readonly x: string; readonly y: string },
  series: readonly Series[],
): string {
  const all = series.flatMap(({ points }) => points);
  const [least, most] = [
    Math.log10(Math.min(...all.map(([x]) => x))),
    Math.log10(Math.max(...all.map(([x]) => x))),
  ];
  const highest = rounded(1.05 * Math.max(...all.map(([, y]) => y)));
  const [width, height] = [WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM];
  const xOf = (x: number): number => LEFT + ((Math.log10(x) - least) / (most - least || 1)) * width;
  const yOf = (y: number): number => TOP + height - (Math.max(0, y) / highest) * height;
  const grid = Array.from({ length: TICKS + 1 }, (_, at) => (highest * at) / TICKS).map(
    (value) =>
      `<line x1="${LEFT}" x2="${LEFT + width}" y1="${yOf(value).toFixed(1)}" y2="${yOf(value).toFixed(1)}" stroke="${LINE}"/>` +
      label(LEFT - 8, yOf(value) + 4, shortNumber(value), 'text-anchor="end"'),
  );
  const ticks = [...new Set(all.map(([x]) => x))].map((x) =>
    label(xOf(x), TOP + height + 18, shortNumber(x), 'text-anchor="middle"'),
  );
  const lines = series.flatMap(({ name, points }, at) => {
    const colour = COLOURS[at % COLOURS.length] ?? TEXT;
    const path = points.map(([x, y]) => `${xOf(x).toFixed(1)},${yOf(y).toFixed(1)}`).join(' ');
    const dots = points.map(
      ([x, y]) =>
        `<circle cx="${xOf(x).toFixed(1)}" cy="${yOf(y).toFixed(1)}" r="3" fill="${colour}"/>`,
    );
    const [keyX, keyY] = [LEFT + width + 16, TOP + 12 + at * 20];
    return [
      `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      ...dots,
      `<rect x="${keyX}" y="${keyY - 9}" width="10" height="10" fill="${colour}"/>`,
      label(keyX + 16, keyY, name),
    ];
  });
  const names = [
    label(LEFT + width / 2, HEIGHT - 12, axes.x, 'text-anchor="middle"'),
    label(
      0,
      0,
      axes.y,
      `text-anchor="middle" transform="translate(16 ${TOP + height / 2}) rotate(-90)"`,
    ),
  ];
  return picture(HEIGHT, title, [...grid, ...ticks, ...lines, ...names]);
}

/** One beside the other, the largest first. */
export function barChart(title: string, unit: string, bars: readonly Bar[]): string {
  const sorted = bars.toSorted((one, other) => other.value - one.value);
  const longest = Math.max(...sorted.map(({ value }) => value));
  const room = WIDTH - NAMES - 110;
  const shapes = sorted.flatMap(({ name, value, ours = false }, at) => {
    const y = TOP + at * BAR;
    const width = (value / longest) * room;
    const fill = ours ? COLOURS[0] : '#b9c2cb';
    return [
      label(NAMES - 8, y + 15, name, `text-anchor="end"${ours ? ' font-weight="bold"' : ''}`),
      `<rect x="${NAMES}" y="${y + 2}" width="${width.toFixed(1)}" height="${BAR - 8}" fill="${fill}"/>`,
      label(NAMES + width + 6, y + 15, shortNumber(value)),
    ];
  });
  const height = TOP + sorted.length * BAR + 34;
  return picture(height, title, [...shapes, label(NAMES, height - 12, unit)]);
}
