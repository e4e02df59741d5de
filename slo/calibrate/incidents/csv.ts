// Incidents in a table, as spreadsheets and databases export it.
import { clusterLabels } from '../../generate/series.ts';
import { suggest } from '../../model/suggestion.ts';
import { checkOrder, finished, Problems, time, type Incident, type Reading } from './incident.ts';

const columns = ['start', 'end', ...clusterLabels, 'severity', 'note'];

/** Spreadsheets write a semicolon where the comma is the decimal mark. */
const delimiters = [',', ';', '\t'];

/** Whether the text starts with a heading whose first column is `start`. */
export const isCsv = (text: string) => /^\s*"?start"?\s*[,;\t]/i.test(text.trimStart().split('\n', 1)[0]);

/** A heading names the columns; several values of a label are written a|b. */
export function parseCsv(text: string, file: string, { now }: Reading): Incident[] {
  const [heading, ...rows] = csvRows(text, delimiterOf(text));
  const names = heading.cells.map((cell) => cell.trim().toLowerCase());
  const problems = new Problems();
  for (const name of names.filter((cell) => !columns.includes(cell))) {
    problems.add(
      `${file}:${heading.line}: ${name || 'an empty heading'}`,
      `is not a column. ${suggest(name, columns)}`
    );
  }
  for (const name of new Set(names.filter((cell, index) => names.indexOf(cell) !== index))) {
    problems.add(`${file}:${heading.line}: ${name}`, 'names two columns. Remove one.');
  }
  for (const name of ['start', 'end'].filter((wanted) => !names.includes(wanted))) {
    problems.add(`${file}:${heading.line}`, `has no column ${name}. The heading may be: ${columns.join(',')}`);
  }
  problems.throwIfAny();
  const incidents = rows.map(({ line, cells }) => {
    const cell = (name: string) => cells[names.indexOf(name)]?.trim() ?? '';
    const timeOf = (name: string) => {
      const { data, error } = time.safeParse(cell(name));
      if (error) {
        problems.add(`${file}:${line}: ${name}`, error.issues[0].message);
      }
      return data;
    };
    if (cells.length > names.length) {
      problems.add(
        `${file}:${line}`,
        `has ${cells.length} cells for ${names.length} columns. Put quotes around text with commas.`
      );
    }
    const start = timeOf('start');
    const end = cell('end') ? timeOf('end') : now;
    checkOrder({ start, end }, `${file}:${line}: end`, problems);
    const scope = Object.fromEntries(
      clusterLabels.filter((label) => cell(label)).map((label) => [label, cell(label).split('|')])
    );
    const raw = { start: start ?? 0, end: end ?? 0, scope, severity: cell('severity') || 'page', note: cell('note') };
    return finished(raw, `${file}:${line}`);
  });
  problems.throwIfAny();
  return incidents;
}

/** The delimiter that the heading has most of. */
function delimiterOf(text: string): string {
  const heading = text.trimStart().split('\n', 1)[0];
  const [most] = delimiters.toSorted((a, b) => heading.split(b).length - heading.split(a).length);
  return most;
}

/** Rows by RFC 4180, without empty ones, each with the line on which it starts. */
function csvRows(text: string, delimiter: string): Array<{ line: number; cells: string[] }> {
  const pattern = new RegExp(`(?:"((?:[^"]|"")*)"[ \\t]*|([^${delimiter}\\r\\n]*))(${delimiter}|\\r?\\n|\\r|$)`, 'g');
  const rows: Array<{ line: number; cells: string[] }> = [];
  let [line, row] = [1, { line: 1, cells: [] as string[] }];
  for (const [whole, quoted, plain, end] of text.matchAll(pattern)) {
    row.cells.push(quoted === undefined ? plain.trim() : quoted.replaceAll('""', '"'));
    line += whole.split(/\r\n|\r|\n/).length - 1;
    if (end !== delimiter) {
      if (row.cells.some(Boolean)) {
        rows.push(row);
      }
      row = { line, cells: [] };
    }
  }
  return rows;
}
