// Formats the figures of a run and compares them with the targets.
import { markdownTable as table } from '../table.ts';
import type { GroupFigures } from './rule-groups.ts';
import type { RuleSetFigures } from './others.ts';
import type { TierFigures } from './tiers.ts';

export interface Figures {
  clusters: number;
  members: number;
  cores: number;
  /** The load of other programs on the machine at the start. A load above 0 increases times, but not ratios. */
  loadBefore: number;
  groups: GroupFigures[];
  rules: number;
  /** CPU seconds per second while all groups ran. The memory and series below are from the same time. */
  cpu: number;
  /** The share of the time in which its threads were ready to run but other programs had the cores. */
  waiting: number;
  residentBytes: number;
  headSeries: number;
  tiers: TierFigures[];
  others: RuleSetFigures[];
}

export const targets = { rules: 170, share: 0.3, ratio: 50 };

export function report(figures: Figures): string {
  return [
    `# SLO rules of ${figures.clusters} clusters with ${figures.members} members each`,
    `${figures.cores} cores, shared with other programs (load ${figures.loadBefore.toFixed(1)} before the run).`,
    '## Rule groups',
    table(
      [
        'group',
        'interval',
        'rules',
        'series read',
        'samples read',
        'peak samples',
        'records',
        'first',
        'median',
        'of interval',
        'runs',
      ],
      figures.groups.map((group) => [
        group.name,
        `${group.interval} s`,
        `${group.rules}`,
        count(group.series),
        count(group.samples),
        count(group.peakSamples),
        count(group.records),
        seconds(group.first),
        seconds(group.evaluation),
        percent(group.share),
        `${group.evaluations}`,
      ])
    ),
    `All groups together: ${figures.rules} rules, ${seconds(ourSecondsPerMinute(figures))} of evaluation per minute; the error budget and its tiles take ${percent(secondsPerMinute(figures.groups.filter(ofBudget)) / ourSecondsPerMinute(figures))} of it. Prometheus took ${figures.cpu.toFixed(2)} cores, ${(figures.residentBytes / 2 ** 30).toFixed(1)} GiB, ${count(figures.headSeries)} recorded series. For ${percent(figures.waiting)} of the time in which its threads could run, other programs had the cores: the times above are longer by that.`,
    `Rules with an empty result, which cost less than they would with data: ${figures.groups.flatMap(({ empty }) => empty).join(', ') || 'none'}.`,
    'The most expensive rules of the groups that take most of their interval:',
    dearest(figures.groups),
    '## Queries of the tiers',
    table(
      [
        'tier',
        'query',
        'rows',
        'recorded',
        'through Thanos',
        'raw',
        'raw / recorded',
        'samples',
        'raw samples',
        'differ by',
      ],
      figures.tiers.map((tier) => [
        `${tier.tier}`,
        tier.name,
        `${tier.rows}`,
        seconds(tier.recorded),
        tier.thanos === undefined ? '–' : seconds(tier.thanos),
        seconds(tier.raw),
        `${Math.round(tier.ratio)} ×`,
        count(tier.recordedSamples),
        count(tier.rawSamples),
        percent(tier.difference),
      ])
    ),
    '## Against a rule set for each cluster',
    table(
      ['rules of', 'evaluated for', `rules for ${figures.clusters} clusters`, 'evaluation per minute', 'of ours'],
      [
        [
          'etcd Fleet',
          `${figures.clusters} clusters`,
          `${figures.rules}`,
          seconds(ourSecondsPerMinute(figures)),
          '1 ×',
        ],
        ...figures.others.map((other) => [
          other.name,
          `${other.clusters} clusters`,
          count(other.rulesOfFleet),
          seconds(other.secondsPerMinute),
          `${(other.secondsPerMinute / ourSecondsPerMinute(figures)).toFixed(1)} ×`,
        ]),
      ]
    ),
    '## Targets',
    judgement(figures),
  ].join('\n\n');
}

const ourSecondsPerMinute = ({ groups }: Figures) => secondsPerMinute(groups);

const ofBudget = ({ name }: GroupFigures) => /^etcd-slo-(?:tiles|allowance-|budget-)/.test(name);

function secondsPerMinute(groups: GroupFigures[]): number {
  return groups.reduce((sum, { share }) => sum + (Number.isNaN(share) ? 0 : share * 60), 0);
}

function judgement({ rules, groups, tiers }: Figures): string {
  const worst = groups.toSorted((a, b) => b.share - a.share)[0];
  const unmeasured = groups.filter(({ share }) => Number.isNaN(share)).map(({ name }) => name);
  const slowest = tiers.filter(({ tier }) => tier === 1).toSorted((a, b) => a.ratio - b.ratio)[0];
  const line = (reached: boolean, text: string) => `- ${reached ? 'reached' : 'NOT reached'}: ${text}`;
  return [
    line(rules <= targets.rules, `at most ${targets.rules} rules for the fleet: ${rules}`),
    line(
      worst.share <= targets.share && unmeasured.length === 0,
      `every group within ${percent(targets.share)} of its interval: ${worst.name} takes ${percent(worst.share)}${unmeasured.length ? `; not measured: ${unmeasured.join(', ')}` : ''}`
    ),
    line(
      slowest.ratio >= targets.ratio,
      `tier-1 queries at least ${targets.ratio} times faster than raw: ${Math.round(slowest.ratio)} times`
    ),
  ].join('\n');
}

function dearest(groups: GroupFigures[]): string {
  return groups
    .toSorted((a, b) => b.share - a.share)
    .slice(0, 3)
    .flatMap((group) => group.dearest.map((rule) => `- ${group.name}: ${seconds(rule.seconds)} \`${rule.name}\``))
    .join('\n');
}

const seconds = (value: number) =>
  Number.isNaN(value) ? '–' : value < 1 ? `${(value * 1000).toPrecision(3)} ms` : `${value.toPrecision(3)} s`;

const percent = (share: number) => (Number.isNaN(share) ? '–' : `${(share * 100).toPrecision(2)} %`);

function count(value: number): string {
  const [divisor, unit] = value >= 1e6 ? [1e6, ' M'] : value >= 1e4 ? [1e3, ' k'] : [1, ''];
  return `${Number((value / divisor).toPrecision(3))}${unit}`;
}
