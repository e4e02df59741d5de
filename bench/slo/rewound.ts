// Rules as they are, but looking back to the time of the seed.
import { stringify } from 'yaml';
import { formatDuration, parseDuration } from '../../slo/model/duration.ts';
import type { RuleFile } from '../../slo/generate/rules.ts';

/** Groups that are evaluated seldom are evaluated this often instead, so that a run sees it. Their cost is per evaluation. */
export const longestInterval = 240;

export function rewound({ groups }: RuleFile, seconds: number): string {
  return stringify(
    {
      groups: groups.map(({ partial_response_strategy: _ofThanos, ...group }) => ({
        ...group,
        ...(group.interval && { interval: formatDuration(Math.min(parseDuration(group.interval), longestInterval)) }),
        query_offset: `${seconds + (group.query_offset ? parseDuration(group.query_offset) : 0)}s`,
      })),
    },
    { aliasDuplicateObjects: false }
  );
}
