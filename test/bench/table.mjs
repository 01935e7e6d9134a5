// Tables on a terminal. In: a title, columns, rows of strings and numbers. Out: lines of text with aligned columns.

/**
 * @typedef {{ title: string, columns: string[], rows: (string | number)[][], notes?: string[] }} Table
 */

/** Numbers with the digits that mean something: 0.123, 12.3, 1230. */
export function shown(value) {
  if (typeof value !== 'number') return value;
  if (Number.isInteger(value)) return String(value);
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
}

/** @param {Table} table */
export function printed({ title, columns, rows, notes = [] }) {
  const cells = [columns, ...rows.map((row) => row.map(shown))];
  const widths = columns.map((_, i) => Math.max(...cells.map((row) => String(row[i] ?? '').length)));
  const isNumber = columns.map((_, i) => rows.some((row) => typeof row[i] === 'number'));
  const line = (row) =>
    row
      .map((cell, i) => (isNumber[i] ? String(cell).padStart(widths[i]) : String(cell).padEnd(widths[i])))
      .join('  ')
      .trimEnd();
  const rule = widths.map((w) => '-'.repeat(w)).join('  ');
  return [title, line(cells[0]), rule, ...cells.slice(1).map(line), ...notes.map((n) => `  ${n}`)].join('\n');
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
