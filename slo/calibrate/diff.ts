// The unified diff of two texts whose lines correspond: edits of values add and remove no line. No I/O.

const context = 3;

/** Empty when both are the same. `patch -p1` and `git apply` take it. */
export function unifiedDiff(file: string, before: string, after: string): string {
  const [old, changed] = [before.split('\n'), after.split('\n')];
  if (old.length !== changed.length) {
    throw new Error(
      `${file} has ${changed.length} lines instead of ${old.length}: only edits within lines can be shown.`
    );
  }
  const differing = old.flatMap((line, index) => (line === changed[index] ? [] : [index]));
  if (differing.length === 0) {
    return '';
  }
  const hunks = groups(differing).map(([first, last]) => {
    const from = Math.max(0, first - context);
    // What follows the last line break is no line.
    const to = Math.min(old.length - (old.at(-1) === '' ? 1 : 0), last + context + 1);
    const range = `${from + 1},${to - from}`;
    return [`@@ -${range} +${range} @@`, ...lines(old.slice(from, to), changed.slice(from, to))].join('\n');
  });
  return [`--- a/${file}`, `+++ b/${file}`, ...hunks].join('\n') + '\n';
}

/** Differing lines that are so near to each other that they share their context. */
function groups(differing: number[]): Array<[first: number, last: number]> {
  const found: Array<[number, number]> = [];
  for (const index of differing) {
    const current = found.at(-1);
    if (current && index - current[1] <= 2 * context) {
      current[1] = index;
    } else {
      found.push([index, index]);
    }
  }
  return found;
}

/** Each run of differing lines as what was and what is. */
function lines(old: string[], changed: string[]): string[] {
  const result: string[] = [];
  for (let at = 0; at < old.length;) {
    let end = at;
    while (end < old.length && old[end] !== changed[end]) {
      end++;
    }
    if (end === at) {
      result.push(` ${old[at++]}`);
    } else {
      result.push(...old.slice(at, end).map((line) => `-${line}`), ...changed.slice(at, end).map((line) => `+${line}`));
      at = end;
    }
  }
  return result;
}
