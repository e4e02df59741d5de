// Troubleshooting from etcd to Kubernetes: which API servers, resources and verbs suffer from a cluster?
import { dashboardUids } from '../../src/ids.ts';
import { dashboard } from './dashboard.ts';
import { diagnosisTable } from './diagnosis.ts';
import {
  apiErrors,
  apiRequests,
  apiTime,
  etcdErrors,
  etcdRequests,
  etcdSlow,
  etcdTime,
  slowFrom,
  slowRequests,
  timeByVerb,
} from './kubernetes.ts';
import { rowToKubernetes, toHosts, toOverview } from './links.ts';
import { column, fullWidth, linked, row, share, table, timeseries } from './panels.ts';
import { diagnosis, instant, range } from './queries.ts';
import { choiceVariable } from './variables.ts';

const where = 'region="$region",cluster="$cluster"';

const seconds = (title: string, width: number) => [...column(title, width), { id: 'unit', value: 's' }];
const perSecond = (title: string, width: number) => [...column(title, width), { id: 'unit', value: 'reqps' }];

export function troubleToKubernetes() {
  return dashboard({
    title: 'etcd fleet: from etcd to Kubernetes',
    uid: dashboardUids.toKubernetes,
    description: 'Troubleshooting. Which API servers, resources and verbs suffer from one etcd cluster.',
    tag: 'troubleshooting',
  })
    .link(toOverview())
    .link(toHosts())
    .withVariable(choiceVariable('region', 'Region'))
    .withVariable(choiceVariable('cluster', 'Cluster', { region: ['$region'] }))
    .withRow(row('Who suffers'))
    .withPanel(
      table(
        'Kubernetes clusters on it',
        'How their API servers are, and what they wait for etcd; a click asks whether it is etcd.',
        'No API server of a Kubernetes cluster on it is scraped: add its API servers to the job kube-apiserver of deploy/prometheus/prometheus.yaml.'
      )
        .height(6)
        .targets([
          instant(apiRequests('kubernetes_cluster', where), 'requests', 'A'),
          instant(apiTime('kubernetes_cluster', where), 'time', 'B'),
          instant(apiErrors('kubernetes_cluster', where), 'errors', 'C'),
          instant(etcdTime('kubernetes_cluster', where), 'etcd time', 'D'),
          instant(etcdSlow('kubernetes_cluster', where), 'etcd slow', 'E'),
        ])
        .withTransformation({ id: 'joinByField', options: { byField: 'kubernetes_cluster', mode: 'outer' } })
        .overrideByName('kubernetes_cluster', [...column('Kubernetes cluster', 180), ...linked(rowToKubernetes)])
        .overrideByName('requests', perSecond('API requests', 120))
        .overrideByName('time', seconds('mean time', 120))
        .overrideByName('errors', [...column('errors', 110), ...share(2)])
        .overrideByName('etcd time', seconds('mean time of etcd', 150))
        .overrideByName('etcd slow', [...column(`etcd slower than ${slowFrom}`, 180), ...share(2)])
    )
    .withPanel(
      diagnosisTable('Why', 'What is wrong with the cluster, the worst first, and what to do next.', [
        ...(['statement', 'since', 'action', 'host'] as const),
      ])
        .height(6)
        .withTarget(diagnosis({ scope: { region: ['$region'], cluster: ['$cluster'] } }))
    )
    .withPanel(
      table(
        'Slow resources',
        `Requests to etcd slower than ${slowFrom} by resource and operation, the 50 with the largest share.`,
        'No API server of a Kubernetes cluster on it is scraped.'
      )
        .height(8)
        .filterable(true)
        .targets([
          instant(`topk(50, ${etcdSlow('kubernetes_cluster, resource, operation', where)})`, 'slow', 'A'),
          instant(etcdTime('kubernetes_cluster, resource, operation', where), 'time', 'B'),
          instant(etcdRequests('kubernetes_cluster, resource, operation', where), 'requests', 'C'),
        ])
        .withTransformation({ id: 'merge', options: {} })
        .withTransformation({ id: 'filterByValue', options: onlyWithValue('slow') })
        .withTransformation({ id: 'sortBy', options: { sort: [{ field: 'slow', desc: true }] } })
        .overrideByName('kubernetes_cluster', column('Kubernetes cluster', 180))
        .overrideByName('slow', [...column(`slower than ${slowFrom}`, 160), ...share(2)])
        .overrideByName('time', seconds('mean time', 120))
        .overrideByName('requests', perSecond('requests', 120))
    )
    .withRow(row('Since when'))
    .withPanel(
      timeseries('Mean time of API requests', 'By Kubernetes cluster; watches and connections do not count.', 's')
        .min(0)
        .withTarget(range(apiTime('kubernetes_cluster', where), '{{kubernetes_cluster}}'))
    )
    .withPanel(
      timeseries('Mean time of requests to etcd', 'By Kubernetes cluster, as its API servers see it.', 's')
        .min(0)
        .withTarget(range(etcdTime('kubernetes_cluster', where), '{{kubernetes_cluster}}'))
    )
    .withPanel(
      timeseries(
        'API errors',
        'Share of requests that API servers failed by their own fault, by Kubernetes cluster.',
        'percentunit'
      )
        .min(0)
        .axisSoftMax(0.001)
        .withTarget(range(apiErrors('kubernetes_cluster', where), '{{kubernetes_cluster}}'))
    )
    .withPanel(slowRequests(where))
    .withPanel(timeByVerb(where))
    .withPanel(
      timeseries('Failed requests to etcd', 'By Kubernetes cluster and operation.', 'reqps')
        .min(0)
        .withTarget(range(etcdErrors('kubernetes_cluster, operation', where), '{{kubernetes_cluster}} {{operation}}'))
    )
    .withPanel(
      timeseries('Requests to etcd by resource', 'The ten resources that API servers ask for most.', 'reqps')
        .min(0)
        .span(fullWidth)
        .withTarget(range(`topk(10, ${etcdRequests('resource', where)})`, '{{resource}}'))
    );
}

/** Keeps the rows that have a value: after the first of several merged tables was cut, the others have rows more. */
const onlyWithValue = (fieldName: string) => ({
  type: 'include',
  match: 'all',
  filters: [{ fieldName, config: { id: 'isNotNull', options: {} } }],
});
