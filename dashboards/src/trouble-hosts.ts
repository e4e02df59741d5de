// Troubleshooting the infrastructure: which hosts and zones hurt clusters, and what does a jitter of some of them touch?
import { dashboardUids } from '../../src/ids.ts';
import { dashboard } from './dashboard.ts';
import { severityColours } from './diagnosis.ts';
import { rowToCluster, rowToHost, rowToZone, seriesToHost, toMonitoring, toOverview } from './links.ts';
import {
  ago,
  column,
  colouredWords,
  fullWidth,
  hiddenColumn,
  inOrder,
  linked,
  nodeGraph,
  row,
  table,
  timeseries,
  wrappedText,
} from './panels.ts';
import { onPlaces, worstHosts } from './places.ts';
import { impact, range, topology } from './queries.ts';
import { backendCommit, peerRoundTrip, quantile, walFsync } from './sli.ts';
import { filterVariable } from './variables.ts';

const where = 'region=~"$region",host=~"$host",zone=~"$zone"';
const scope = { region: ['$region'], host: ['$host'], zone: ['$zone'] };

const ofMembers = (metric: string) => quantile(0.99, metric, 'region, cluster, member', 'region=~"$region"');

const quorumColours = { lost: 'red', 'at risk': 'orange', 'not known': 'text', kept: 'green' };
const whereColours = { here: 'red', elsewhere: 'text' };

const clusterColumns = ['region', 'cluster', 'quorum', 'severity', 'where', 'statement', 'since', 'kubernetes'];

/** A table of hosts or zones. Its statement says what the hidden columns count. */
const places = (title: string, description: string, by: 'host' | 'zone') =>
  table(title, description, 'No host or zone has a cluster that is hurt.')
    .height(6)
    .withTarget(impact({ scope, by, limit: 50 }))
    .overrideByName('region', column('region', 60))
    .overrideByName('zone', column('zone', 100))
    .overrideByName('statement', [...wrappedText, { id: 'custom.minWidth', value: 220 }])
    .overrideByName('blamed', column('blamed by', 85))
    .overrideByName('hurt', hiddenColumn)
    .overrideByName('clusters', hiddenColumn)
    .overrideByName('quorumAtRisk', column('at risk', 65))
    .overrideByName('notKnown', hiddenColumn)
    .overrideByName('members', hiddenColumn)
    .overrideByName('kubernetes', column('Kubernetes', 95))
    .overrideByName('since', ago('since', 140));

/** The p99 of a histogram on the hosts where it is largest. */
const slowestHosts = (title: string, metric: string, recommended: number) =>
  timeseries(
    `${title} by host, p99`,
    `The slowest member on each host, of the ten slowest; recommended below ${recommended} ms.`,
    's'
  )
    .min(0)
    .withTarget(range(worstHosts(ofMembers(metric), where), '{{host}}'))
    .overrideByFieldType('number', linked(seriesToHost));

export function troubleHosts() {
  return dashboard({
    title: 'etcd fleet: jitter of hosts',
    uid: dashboardUids.hosts,
    description: 'Troubleshooting. Which hosts and zones hurt clusters, and what a jitter of some of them touches.',
    tag: 'troubleshooting',
  })
    .link(toOverview())
    .link(toMonitoring())
    .withVariable(filterVariable('region', 'Region'))
    .withVariable(filterVariable('zone', 'Zone', { region: ['$region'] }))
    .withVariable(filterVariable('host', 'Host', { region: ['$region'], zone: ['$zone'] }))
    .withRow(row('Is it a host?'))
    .withPanel(
      places(
        'Hosts',
        'Those with hurt clusters, the one first whose members most of these blame; or those that are chosen.',
        'host'
      ).overrideByName('host', [...column('host', 120), ...linked(rowToHost)])
    )
    .withPanel(
      table(
        'Clusters on them',
        'Clusters with a member on the chosen hosts and zones, those first that have no quorum without these; or all that are hurt.',
        'No cluster is hurt, and no host or zone is chosen.'
      )
        .height(9)
        .withTarget(impact({ scope, by: 'cluster', limit: 100 }))
        .withTransformation({ id: 'organize', options: { indexByName: inOrder(clusterColumns) } })
        .overrideByName('region', column('region', 60))
        .overrideByName('cluster', [...column('cluster', 140), ...linked(rowToCluster)])
        .overrideByName('severity', [...column('severity', 100), ...colouredWords(severityColours)])
        .overrideByName('where', [...column('where', 80), ...colouredWords(whereColours)])
        .overrideByName('quorum', [...column('quorum', 80), ...colouredWords(quorumColours)])
        .overrideByName('here', hiddenColumn)
        .overrideByName('since', ago('since', 140))
        .overrideByName('statement', [...wrappedText, { id: 'custom.minWidth', value: 220 }])
        .overrideByName('kubernetes', column('Kubernetes', 100))
        .overrideByName('product', hiddenColumn)
        .overrideByName('scene', hiddenColumn)
        .overrideByName('spec', hiddenColumn)
        .overrideByName('members', hiddenColumn)
    )
    .withPanel(
      places('Zones', 'The same by zone.', 'zone')
        .height(5)
        .overrideByName('zone', [...column('zone', 120), ...linked(rowToZone)])
    )
    .withPanel(
      nodeGraph(
        'What depends on what',
        'Kubernetes clusters on etcd clusters, these on members, members on hosts: of the clusters above, the worst.'
      ).withTarget(topology({ scope }))
    )
    .withRow(row('What the hosts do'))
    .withPanel(slowestHosts('WAL fsync', walFsync, 10))
    .withPanel(slowestHosts('Backend commit', backendCommit, 25))
    .withPanel(slowestHosts('Peer round trip', peerRoundTrip, 50))
    .withPanel(
      timeseries('Members not scraped by host', 'Whether they run is not known.', 'none')
        .min(0)
        .decimals(0)
        .span(fullWidth / 2)
        .withTarget(
          range(
            `sum by (region, host) (${onPlaces('(1 - max by (region, cluster, member) (up{job="etcd",region=~"$region"}))', where)}) > 0`,
            '{{host}}'
          )
        )
        .overrideByFieldType('number', linked(seriesToHost))
    )
    .withPanel(
      timeseries(
        'CPU by host',
        'Cores that all etcd members on a host use together, of the ten hosts that use most.',
        'none'
      )
        .min(0)
        .axisLabel('cores')
        .span(fullWidth / 2)
        .withTarget(
          range(
            `topk(10, sum by (region, host) (${onPlaces('max by (region, cluster, member) (rate(process_cpu_seconds_total{job="etcd",region=~"$region"}[$__rate_interval]))', where)}))`,
            '{{host}}'
          )
        )
        .overrideByFieldType('number', linked(seriesToHost))
    );
}
