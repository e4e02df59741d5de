// Small pieces of PromQL text.

export const by = (labels: readonly string[]) => `by (${labels.join(', ')})`;
export const on = (labels: readonly string[]) => `on (${labels.join(', ')})`;

export const sumBy = (labels: readonly string[], expr: string) => `sum ${by(labels)} (${expr})`;
export const countBy = (labels: readonly string[], expr: string) => `count ${by(labels)} (${expr})`;
export const maxBy = (labels: readonly string[], expr: string) => `max ${by(labels)} (${expr})`;

/** `{a="x",b="y"}`, with the values escaped. */
export const matching = (labels: Record<string, string>) =>
  `{${Object.entries(labels)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(',')}}`;

/** Gives every series of an expression these labels. */
export const withLabels = (expr: string, labels: Record<string, string>) =>
  Object.entries(labels).reduce(
    (inner, [name, value]) => `label_replace(${inner}, ${JSON.stringify(name)}, ${JSON.stringify(value)}, "", "")`,
    expr
  );

/** The series of all expressions; of equal ones the first. */
export const union = (expressions: string[]) => expressions.join('\nor\n');

export const indent = (text: string, spaces = 2) => text.replaceAll(/^(?=.)/gm, ' '.repeat(spaces));
