// Changes rules so that they look back to the time of the seed.
import { stringify } from 'yaml';
import { formatDuration, parseDuration } from '../../slo/model/duration.ts';
import type { RuleFile, RuleGroup } from '../../slo/generate/rules.ts';

/** Groups with a longer interval get this one, so that a run sees an evaluation. Their cost is per evaluation. */
export const longestInterval = 240;

/** In seconds. */
type Intervals = (group: RuleGroup) => number;

export const atMost =
  (longest: number): Intervals =>
  ({ interval }) =>
    Math.min(parseDuration(interval), longest);

/**
 * query_offset shifts all times in an expression: time(), timestamp(), @ end(), offsets and subqueries are relative to
 * the shifted time, and recorded samples get it as their timestamp. No expression may contain an absolute time.
 */
export function rewound({ groups }: RuleFile, seconds: number, interval: Intervals = atMost(longestInterval)): string {
  return stringify(
    {
      groups: groups.map(({ partial_response_strategy: _ofThanos, ...group }) => ({
        ...group,
        ...(group.interval && { interval: formatDuration(interval(group as RuleGroup)) }),
        query_offset: `${seconds + (group.query_offset ? parseDuration(group.query_offset) : 0)}s`,
      })),
    },
    { aliasDuplicateObjects: false }
  );
}
