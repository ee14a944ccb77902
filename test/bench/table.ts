import type { Line } from './row.js';

function written({ median, lower, upper }: Line['value'], unit = ''): string {
  const digits = median >= 100 ? 0 : 2;
  const number = (value: number): string => value.toFixed(digits);
  return `${number(median)}${unit && ` ${unit}`} (${number(lower)} – ${number(upper)})`;
}

/** Lines as a table of Markdown, which is also good to read as it is. */
export function table(lines: readonly Line[]): string {
  const cells = lines.map(({ what, against, value, unit, goal = '' }) => [
    what,
    against,
    written(value, unit),
    goal,
  ]);
  const all = [['what', 'against', 'median (quartiles)', 'goal'], ...cells];
  const widths = [0, 1, 2, 3].map((column) =>
    Math.max(...all.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = all;
  const rule = widths.map((width) => '-'.repeat(width));
  return [head, rule, ...body].map(line).join('\n');
}
