// Troubleshooting the monitoring itself: what do we not see, and which figures cannot be trusted?
import { coverageRatio } from '../../slo/generate/coverage.ts';
import { dashboardUids } from '../../src/ids.ts';
import { dashboard } from './dashboard.ts';
import { rowToCluster, toHosts, toOverview } from './links.ts';
import { ago, column, fullWidth, linked, row, share, table, timeseries } from './panels.ts';
import { instant, range } from './queries.ts';
import { badRatio, shortest } from './slo.ts';
import { filterVariable } from './variables.ts';

const where = 'region=~"$region"';
const expected = `group by (region, cluster) (cluster:etcd_members:expected{${where}})`;
const seen = `(sum by (region, cluster) (up{job="etcd",${where}}) > 0)`;
const lastReport = `time() - max by (region) (region:etcd_slo_reporting:timestamp{${where}})`;

/** A count by region that is 0 where there are clusters and nothing to count. */
const orZero = (expr: string) => `${expr} or 0 * count by (region) (${expected})`;

/** Coloured from a value upwards. */
const badFrom = (value: number, color: string) => [
  { id: 'custom.cellOptions', value: { type: 'color-text' } },
  {
    id: 'thresholds',
    value: {
      mode: 'absolute',
      steps: [
        { color: 'text', value: null },
        { color, value },
      ],
    },
  },
];

export function troubleMonitoring() {
  return dashboard({
    title: 'etcd fleet: monitoring',
    uid: dashboardUids.monitoring,
    description: 'Troubleshooting. What is not seen, and which figures cannot be trusted for it.',
    tag: 'troubleshooting',
  })
    .link(toOverview())
    .link(toHosts())
    .withVariable(filterVariable('region', 'Region'))
    .withRow(row('What is not seen'))
    .withPanel(
      table(
        'Regions',
        'What each region reports, and what is missing; a region without a row has never reported.',
        'No region has reported: the rules are not loaded, or Thanos reaches no Prometheus.'
      )
        .height(7)
        .targets([
          instant(`count by (region) (${expected})`, 'clusters', 'A'),
          instant(
            orZero(`count by (region) (${expected} unless on (region, cluster) ${seen})`),
            'clusters not seen',
            'B'
          ),
          instant(orZero(`count by (region) (up{job="etcd",${where}} == 0)`), 'members not scraped', 'C'),
          instant(
            orZero(`count by (region) (etcdfleet_member_awaited_since_seconds{${where}})`),
            'members awaited',
            'D'
          ),
          instant(badRatio('spec', shortest, ['region'], `sli="scrapes",${where}`), 'missing scrapes', 'E'),
          instant(coverageRatio(['region'], where), 'coverage', 'F'),
          instant(lastReport, 'last report', 'G'),
        ])
        .withTransformation({ id: 'joinByField', options: { byField: 'region', mode: 'outer' } })
        .overrideByName('region', column('region', 90))
        .overrideByName('clusters', column('clusters', 80))
        .overrideByName('clusters not seen', [...column('not seen', 85), ...badFrom(1, 'orange')])
        .overrideByName('members not scraped', [...column('members not scraped', 165), ...badFrom(1, 'orange')])
        .overrideByName('members awaited', [...column('awaited', 85), ...badFrom(1, 'orange')])
        .overrideByName('missing scrapes', [
          ...column('missing scrapes', 130),
          ...share(2),
          ...badFrom(0.0001, 'orange'),
        ])
        .overrideByName('coverage', [...column('coverage', 95), ...share(2)])
        .overrideByName('last report', [
          ...column('last report before', 145),
          { id: 'unit', value: 's' },
          ...badFrom(300, 'red'),
        ])
    )
    .withPanel(
      table(
        'Members not scraped',
        'Members whose last scrape failed: their state is not known. The first 100.',
        'No scrape of a member is known to have failed.'
      )
        .height(8)
        .span(fullWidth / 2)
        .withTarget(
          instant(
            `topk(100, sum by (region, cluster, member, instance) (up{job="etcd",${where}} == bool 0) > 0)`,
            'failed'
          )
        )
        .withTransformation({ id: 'organize', options: { excludeByName: { failed: true } } })
        .overrideByName('region', column('region', 60))
        .overrideByName('cluster', [...column('cluster', 125), ...linked(rowToCluster)])
        .overrideByName('member', column('member', 130))
        .overrideByName('instance', column('instance', 130))
    )
    .withPanel(
      table(
        'Members awaited',
        'Members of the inventory that were never scraped well, and since when they are awaited. The first 100.',
        'No member is known to be awaited.'
      )
        .height(8)
        .span(fullWidth / 2)
        .withTarget(
          instant(
            `bottomk(100, max by (region, cluster, member) (etcdfleet_member_awaited_since_seconds{${where}})) * 1000`,
            'since'
          )
        )
        .overrideByName('region', column('region', 60))
        .overrideByName('cluster', [...column('cluster', 125), ...linked(rowToCluster)])
        .overrideByName('member', column('member', 130))
        .overrideByName('since', ago('since', 130))
    )
    .withPanel(
      table(
        'Other targets that are away',
        'Targets of cruiser, operator, API servers, Prometheus and Thanos rule whose last scrape failed.',
        'No scrape of them is known to have failed.'
      )
        .height(6)
        .span(fullWidth / 2)
        .withTarget(instant('group by (prometheus, job, instance) (up{job!="etcd"} == 0)', 'away'))
        .withTransformation({ id: 'organize', options: { excludeByName: { away: true } } })
    )
    .withPanel(
      table('Alerts about the monitoring', 'Alerts that fire because something is not seen.', 'None is known to fire.')
        .height(6)
        .span(fullWidth / 2)
        .withTarget(
          instant(
            'group by (alertname, region, urgency) (ALERTS{alertstate="firing",alertname=~"Etcd(TargetsMissing|InventoryMissing|OnboardingStuck|ClustersWithoutObjective|Inspections.+|SLO.+)"})',
            'firing'
          )
        )
        .withTransformation({
          id: 'organize',
          options: { excludeByName: { firing: true }, renameByName: { alertname: 'alert' } },
        })
    )
    .withRow(row('Since when'))
    .withPanel(
      timeseries('Missing scrapes', 'Share of the samples of members that are missing, by region.', 'percentunit')
        .min(0)
        .axisSoftMax(0.001)
        .withTarget(range(badRatio('spec', shortest, ['region'], `sli="scrapes",${where}`), '{{region}}'))
    )
    .withPanel(
      timeseries('Members not scraped', 'By region: their state is not known.', 'none')
        .min(0)
        .decimals(0)
        .withTarget(range(orZero(`count by (region) (up{job="etcd",${where}} == 0)`), '{{region}}'))
    )
    .withPanel(
      timeseries(
        'Inspection coverage',
        'Share of the wanted inspections that have a result not older than two intervals.',
        'percentunit'
      )
        .axisSoftMin(0.9)
        .max(1)
        .withTarget(range(coverageRatio(['region'], where), '{{region}}'))
    )
    .withPanel(
      timeseries(
        'Inspections that could not be done',
        'Inspections whose last run ended in an error, by check.',
        'none'
      )
        .min(0)
        .decimals(0)
        .withTarget(range(`sum by (check) (etcd_inspection_outcome{outcome="Error",${where}})`, '{{check}}'))
    )
    .withPanel(
      timeseries(
        'Scrape duration of members',
        'The slowest, by region; a scrape that takes longer than its timeout fails.',
        's'
      )
        .min(0)
        .withTarget(range(`max by (region) (scrape_duration_seconds{job="etcd",${where}})`, '{{region}}'))
    )
    .withPanel(
      timeseries('Rules that failed', 'Evaluations of the rules that failed, by Prometheus and Thanos rule.', 'reqps')
        .min(0)
        .withTarget(
          range(
            'sum by (prometheus, job) (rate(prometheus_rule_evaluation_failures_total[$__rate_interval]))',
            '{{job}} of {{prometheus}}'
          )
        )
    );
}
