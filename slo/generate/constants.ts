// What the datasource needs to know of the definitions, as source text of both its sides: windows and factors are written
// in slo/definitions alone.
import type { Definitions } from '../model/definitions.ts';
import { formatDuration } from '../model/duration.ts';
import { burnRateWindows } from './timing.ts';

export const constantFiles = { go: 'pkg/slorules/generated.go', typescript: 'src/datasource/sloWindows.ts' };

/** By the path of the file in the project. */
export function constants({ model }: Definitions): Record<string, string> {
  const window = formatDuration(model.window);
  const windows = [...burnRateWindows(model).map(formatDuration), window];
  const paging = model.burnRates.filter(({ urgency }) => urgency === 'page');
  const source = 'slo/definitions/objectives.yaml by `npm run generate`';
  return {
    [constantFiles.go]: `// Code generated from ${source}. DO NOT EDIT.

package slorules

// Windows are the times over which the rules sum events, ascending; the last one is BudgetWindow.
var Windows = []string{${windows.map((text) => JSON.stringify(text)).join(', ')}}

// BudgetWindow is the time that the error budget is for.
const BudgetWindow = ${JSON.stringify(window)}

// Pages are the burn rates that page somebody, the fastest first.
var Pages = []BurnRate{
${paging
  .map(
    ({ short, long, factor }) =>
      `\t{Short: ${JSON.stringify(formatDuration(short))}, Long: ${JSON.stringify(formatDuration(long))}, Factor: ${factor}},\n`
  )
  .join('')}}
`,
    [constantFiles.typescript]: `// Generated from ${source}. Do not edit.

/** The times over which the rules sum events, ascending; the last one is that of the error budget. */
export const sloWindows = [${windows.map((text) => `'${text}'`).join(', ')}] as const;

/** The time that the error budget is for. */
export const budgetWindow = '${window}';
`,
  };
}
