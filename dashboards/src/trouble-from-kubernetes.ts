// Troubleshooting from Kubernetes to etcd: a Kubernetes cluster is slow. Is it etcd, which member, and who loads it?
import { dashboardUids } from '../../src/ids.ts';
import { dashboard } from './dashboard.ts';
import { diagnosisTable } from './diagnosis.ts';
import {
  apiErrors,
  apiTime,
  etcdRequests,
  etcdSlow,
  etcdTime,
  slowFrom,
  slowRequests,
  timeByVerb,
} from './kubernetes.ts';
import { rowToCluster, toHosts, toOverview } from './links.ts';
import { column, fullWidth, inspectionsPanel, linked, neutral, row, stat, timeseries } from './panels.ts';
import { diagnosis, inspections, instant, range } from './queries.ts';
import { backendCommit, peerRoundTrip, quantile, walFsync } from './sli.ts';
import { choiceVariable } from './variables.ts';

const where = 'region="$region",kubernetes_cluster="$kubernetes"';
const scope = { region: ['$region'], kubernetes: ['$kubernetes'] };

/** Series of the members of the etcd clusters behind the Kubernetes cluster. */
const behind = (expr: string) => `${expr} and on (region, cluster) etcdfleet_kubernetes_cluster_info{${where}}`;
const ofMembers = (metric: string) => behind(quantile(0.99, metric, 'region, cluster, member', 'region="$region"'));

const figure = (...args: Parameters<typeof stat>) =>
  stat(...args)
    .height(3)
    .span(fullWidth / 4);

export function troubleFromKubernetes() {
  return dashboard({
    title: 'etcd fleet: from Kubernetes to etcd',
    uid: dashboardUids.fromKubernetes,
    description: 'Troubleshooting. A Kubernetes cluster is slow: is it etcd, which member or host, and who loads it.',
    tag: 'troubleshooting',
  })
    .link(toOverview())
    .link(toHosts())
    .withVariable(choiceVariable('region', 'Region'))
    .withVariable(choiceVariable('kubernetes', 'Kubernetes cluster', { region: ['$region'] }))
    .withRow(row('Is it etcd?'))
    .withPanel(
      diagnosisTable(
        'Is it etcd?',
        'What is wrong with the etcd clusters behind this Kubernetes cluster, the worst first.',
        [...(['cluster', 'statement', 'since', 'action', 'host'] as const)],
        'No etcd cluster of the region names this Kubernetes cluster in spec.kubernetesClusters.'
      )
        .height(6)
        .withTarget(diagnosis({ scope }))
        .overrideByName('cluster', [...column('cluster', 130), ...linked(rowToCluster)])
    )
    .withPanel(
      figure('API errors', 'Share of these that failed by the API servers’ fault.', 'percentunit', [
        { color: 'green', value: null },
        { color: 'orange', value: 0.001 },
        { color: 'red', value: 0.01 },
      ])
        .decimals(2)
        .withTarget(instant(apiErrors('', where)))
    )
    .withPanel(figure('Mean time', 'Mean time of API requests.', 's', neutral).withTarget(instant(apiTime('', where))))
    .withPanel(
      figure('Mean time of etcd', 'Mean time of the API servers’ requests to etcd.', 's', [
        { color: 'green', value: null },
        { color: 'orange', value: 0.05 },
        { color: 'red', value: 0.1 },
      ]).withTarget(instant(etcdTime('', where)))
    )
    .withPanel(
      figure(`etcd slower than ${slowFrom}`, 'Share of the API servers’ requests to etcd.', 'percentunit', [
        { color: 'green', value: null },
        { color: 'orange', value: 0.01 },
        { color: 'red', value: 0.05 },
      ])
        .decimals(2)
        .withTarget(instant(etcdSlow('', where)))
    )
    .withPanel(
      timeseries('Mean time: API and etcd', 'If both rise together it is etcd; if the API alone rises it is not.', 's')
        .min(0)
        .withTarget(range(apiTime('', where), 'API requests', 'A'))
        .withTarget(range(etcdTime('', where), 'requests to etcd', 'B'))
    )
    .withPanel(slowRequests(where))
    .withPanel(timeByVerb(where))
    .withRow(row('Which member, disk and network'))
    .withPanel(
      timeseries(
        'WAL fsync by member, p99',
        'Recommended below 10 ms; a member far above its peers has a slow disk.',
        's'
      )
        .min(0)
        .withTarget(range(ofMembers(walFsync), '{{member}}'))
    )
    .withPanel(
      timeseries('Backend commit by member, p99', 'Recommended below 25 ms.', 's')
        .min(0)
        .withTarget(range(ofMembers(backendCommit), '{{member}}'))
    )
    .withPanel(
      timeseries('Peer round trip by member, p99', 'Recommended below 50 ms.', 's')
        .min(0)
        .withTarget(range(ofMembers(peerRoundTrip), '{{member}}'))
    )
    .withRow(row('Who loads it'))
    .withPanel(
      timeseries('Requests to etcd by operation', 'What the API servers ask for.', 'reqps')
        .min(0)
        .withTarget(range(etcdRequests('operation', where), '{{operation}}'))
    )
    .withPanel(
      timeseries('Requests to etcd by resource', 'The ten resources that they ask for most.', 'reqps')
        .min(0)
        .withTarget(range(`topk(10, ${etcdRequests('resource', where)})`, '{{resource}}'))
    )
    .withPanel(
      timeseries(
        'Time in etcd by resource',
        'Seconds of waiting for etcd per second, the ten resources with most.',
        'none'
      )
        .min(0)
        .axisLabel('seconds per second')
        .withTarget(
          range(
            `topk(10, sum by (resource) (rate(etcd_request_duration_seconds_sum{${where}}[$__rate_interval])))`,
            '{{resource}}'
          )
        )
    )
    .withPanel(
      inspectionsPanel(
        'Inspections',
        'What the checks found in the etcd clusters; a button runs them again immediately.',
        [...(['cluster', 'check', 'outcome', 'lastRun', 'message', 'state'] as const)]
      )
        .height(9)
        .withTarget(inspections({ scope }))
    );
}
