// Tier 3: one cluster. What is wrong with it, and what now?
import { dashboardUids } from '../../src/ids.ts';
import { quotaSteps } from './capacity.ts';
import { dashboard } from './dashboard.ts';
import { diagnosisTable, evidenceTable } from './diagnosis.ts';
import { eventsTable, warningMarks } from './events.ts';
import { memberToHost, memberToZone, rowToScene, toHosts, toKubernetes, toOverview } from './links.ts';
import {
  ago,
  anyIsBad,
  column,
  fullWidth,
  greyOtherwise,
  inspectionsFailed,
  inspectionsPanel,
  linked,
  membersNotScraped,
  neutral,
  nodeGraph,
  row,
  stat,
  table,
  timeseries,
  withLine,
} from './panels.ts';
import { countOf, diagnosis, inspections, instant, range, topology } from './queries.ts';
import { backendCommit, peerRoundTrip, quantile, requestErrorRatio, requestLatency, walFsync } from './sli.ts';
import {
  spentBudgetOfCluster,
  budgetWindow,
  burnRateOfCluster,
  burnRatePanel,
  fastWindow,
  levels,
  levelsTable,
  mediumWindow,
  objectives,
  slisPanel,
} from './slo.ts';
import { choiceVariable } from './variables.ts';

const where = 'region="$region",cluster="$cluster"';
const scope = { region: ['$region'], cluster: ['$cluster'] };
const kv = `grpc_service="etcdserverpb.KV",${where}`;

/** Since when alerts fire, in milliseconds: Thanos rule keeps when their expressions became true. */
const firing = `1000 * max by (alertname, objective, urgency, severity) (ALERTS_FOR_STATE{${where}} and on (alertname, objective, cluster, region) ALERTS{alertstate="firing",${where}})`;

export function tier3Cluster() {
  const tier = dashboard({
    title: 'etcd fleet: cluster',
    uid: dashboardUids.cluster,
    description: 'Tier 3. One etcd cluster: members, service levels, inspections and the buttons that run them.',
    tag: 'tier-3',
  })
    .link(toOverview())
    .link(toKubernetes())
    .link(toHosts())
    .withVariable(choiceVariable('region', 'Region'))
    .withVariable(choiceVariable('cluster', 'Cluster', { region: ['$region'] }))
    .annotation(warningMarks(scope))
    .withRow(row('What is wrong, and what to do'))
    .withPanel(
      diagnosisTable('Diagnosis', 'What is wrong with this cluster, the worst first, and what to do next.', [
        ...(['statement', 'since', 'action', 'host', 'kubernetes'] as const),
      ])
        .height(7)
        .withTarget(diagnosis({ scope }))
    )
    .withPanel(
      inspectionsPanel('Inspections', 'What the checks found; a button runs them again immediately.', [
        'check',
        'outcome',
        'lastRun',
        'duration',
        'message',
        'state',
      ])
        .height(10)
        .withTarget(inspections({ scope }))
    )
    .withPanel(
      evidenceTable()
        .height(6)
        .withTarget(diagnosis({ scope, findings: 'evidence' }))
    )
    .withRow(row('Now'))
    .withPanel(
      stat('No leader', 'Members that see no leader.', 'none', anyIsBad).withTarget(
        instant(countOf(`etcd_server_has_leader{${where}}`, '== 0'))
      )
    )
    .withPanel(membersNotScraped(where))
    .withPanel(inspectionsFailed(where))
    .withPanel(
      stat('Keys', 'The largest number of keys that a member holds.', 'short', neutral).withTarget(
        instant(`max(etcd_debugging_mvcc_keys_total{${where}})`)
      )
    )
    .withPanel(
      stat('Quota used', 'Backend size of the largest member as a share of its quota.', 'percentunit', quotaSteps)
        .decimals(1)
        .withTarget(
          instant(`max(etcd_mvcc_db_total_size_in_bytes{${where}} / (etcd_server_quota_backend_bytes{${where}} > 0))`)
        )
    )
    .withPanel(
      stat('Leader changes', 'Leader changes within the last hour, seen by the member that saw most.', 'none', [
        { color: 'green', value: null },
        { color: 'orange', value: 2 },
        { color: 'red', value: 4 },
      ])
        .decimals(0)
        .withTarget(instant(`max(increase(etcd_server_leader_changes_seen_total{${where}}[1h]))`))
    )
    .withPanel(
      table(
        'Members',
        'The members as the inventory and their metrics show them.',
        'The inventory has no member of this cluster, and none has a series.'
      )
        .height(6)
        .targets([
          instant(`sum by (member) (up{job="etcd",${where}})`, 'up', 'A'),
          instant(`sum by (member) (etcd_server_is_leader{${where}})`, 'leader', 'B'),
          instant(`sum by (member) (etcd_debugging_mvcc_keys_total{${where}})`, 'keys', 'C'),
          instant(`sum by (member) (etcd_mvcc_db_total_size_in_bytes{${where}})`, 'db size', 'D'),
          instant(`count by (member, server_version) (etcd_server_version{${where}})`, 'version count', 'E'),
          instant(`max by (member, host, zone) (etcdfleet_member_info{${where}})`, 'known', 'F'),
        ])
        .withTransformation({ id: 'joinByField', options: { byField: 'member', mode: 'outer' } })
        .withTransformation({
          id: 'organize',
          options: {
            excludeByName: { 'version count': true, known: true },
            renameByName: { server_version: 'version' },
          },
        })
        .overrideByName('up', [...column('up', 105), ...yesNo('not scraped', 'orange', 'up', 'green')])
        .overrideByName('leader', [...column('leader', 85), ...yesNo('follower', 'text', 'leader', 'blue')])
        .overrideByName('keys', [...column('keys', 80), { id: 'unit', value: 'short' }])
        .overrideByName('db size', [...column('db size', 90), { id: 'unit', value: 'bytes' }])
        .overrideByName('version', column('version', 80))
        .overrideByName('host', [...column('host', 150), ...linked(memberToHost)])
        .overrideByName('zone', [...column('zone', 110), ...linked(memberToZone)])
    )
    .withPanel(eventsTable(scope).height(7))
    .withPanel(
      nodeGraph(
        'What depends on what',
        'Kubernetes clusters that store in this cluster, its members, and their hosts.'
      ).withTarget(topology({ scope }))
    )
    .withRow(row('Service levels'))
    .withPanel(
      levelsTable(
        'Objectives',
        `What is promised for this cluster, and what is left of its error budgets of ${budgetWindow}.`,
        [],
        ['bad', 'all', 'scene']
      )
        .height(7)
        .withTarget(levels({ scope, level: 'cluster' }))
        .overrideByName('scene', [...column('scene', 95), ...linked(rowToScene)])
    )
    .withPanel(
      table(
        'Alerts',
        'Alerts about this cluster that fire now, as Thanos rule knows them; the first one first.',
        'No alert about this cluster is known to fire.'
      )
        .height(6)
        .withTarget(instant(`sort(${firing})`, 'since'))
        .withTransformation({ id: 'organize', options: { renameByName: { alertname: 'alert' } } })
        .overrideByName('alert', [{ id: 'custom.minWidth', value: 230 }])
        .overrideByName('objective', column('objective', 150))
        .overrideByName('severity', column('severity', 85))
        .overrideByName('urgency', column('urgency', 85))
        .overrideByName('since', ago('since', 145))
    )
    .withPanel(
      burnRatePanel(
        'Burn rate, fast',
        `How many times too fast each error budget burns, over ${fastWindow}.`
      ).withTarget(range(burnRateOfCluster(fastWindow, where), '{{objective}}'))
    )
    .withPanel(
      burnRatePanel(
        'Burn rate, medium',
        `How many times too fast each error budget burns, over ${mediumWindow}.`,
        mediumWindow
      ).withTarget(range(burnRateOfCluster(mediumWindow, where), '{{objective}}'))
    )
    .withPanel(
      withLine(
        timeseries(
          'Error budget spent',
          `Share of the error budget of ${budgetWindow}; above the line, 100 %, the objective is broken.`,
          'percentunit'
        )
          .min(0)
          .axisSoftMax(1),
        1,
        'red'
      ).withTarget(range(spentBudgetOfCluster(where), '{{objective}}'))
    );
  for (const objective of objectives) {
    tier.withPanel(slisPanel(objective, 'cluster', where).span(fullWidth / objectives.length));
  }
  return tier
    .withRow(row('Requests'))
    .withPanel(
      timeseries('Requests', 'KV requests by method.', 'reqps')
        .min(0)
        .withTarget(
          range(`sum by (grpc_method) (rate(grpc_server_handled_total{${kv}}[$__rate_interval]))`, '{{grpc_method}}')
        )
    )
    .withPanel(
      timeseries('Request errors', 'Share of unary gRPC requests that failed by the service’s fault.', 'percentunit')
        .min(0)
        .axisSoftMax(0.001)
        .withTarget(range(requestErrorRatio('cluster', where), 'errors'))
    )
    .withPanel(
      timeseries('Request latency, p99', 'KV requests by method; needs extensive metrics at the members.', 's')
        .min(0)
        .withTarget(range(quantile(0.99, requestLatency, 'grpc_method', kv), '{{grpc_method}}'))
    )
    .withRow(row('Disk and network'))
    .withPanel(
      timeseries('WAL fsync, p99', 'By member; recommended below 10 ms.', 's')
        .min(0)
        .withTarget(range(quantile(0.99, walFsync, 'member', where), '{{member}}'))
    )
    .withPanel(
      timeseries('Backend commit, p99', 'By member; recommended below 25 ms.', 's')
        .min(0)
        .withTarget(range(quantile(0.99, backendCommit, 'member', where), '{{member}}'))
    )
    .withPanel(
      timeseries('Peer round trip, p99', 'By member; recommended below 50 ms.', 's')
        .min(0)
        .withTarget(range(quantile(0.99, peerRoundTrip, 'member', where), '{{member}}'))
    )
    .withRow(row('Consensus and size'))
    .withPanel(
      timeseries(
        'Keys by member',
        'Members that differ for long hold different data: run the inspection.',
        'short'
      ).withTarget(range(`etcd_debugging_mvcc_keys_total{${where}}`, '{{member}}'))
    )
    .withPanel(
      timeseries('Backend size', 'File size and bytes in use, largest member.', 'bytes')
        .min(0)
        .withTarget(range(`max(etcd_mvcc_db_total_size_in_bytes{${where}})`, 'file', 'A'))
        .withTarget(range(`max(etcd_mvcc_db_total_size_in_use_in_bytes{${where}})`, 'in use', 'B'))
    )
    .withPanel(
      timeseries('Proposals', 'Failed per second, and waiting to be committed.', 'none')
        .min(0)
        .withTarget(
          range(`sum(rate(etcd_server_proposals_failed_total{${where}}[$__rate_interval]))`, 'failed per second', 'A')
        )
        .withTarget(range(`max(etcd_server_proposals_pending{${where}})`, 'pending', 'B'))
    )
    .withPanel(
      timeseries('Memory', 'Resident memory by member.', 'bytes')
        .min(0)
        .span(fullWidth / 2)
        .withTarget(range(`process_resident_memory_bytes{job="etcd",${where}}`, '{{member}}'))
    )
    .withPanel(
      timeseries('CPU', 'Cores used by member.', 'none')
        .min(0)
        .axisLabel('cores')
        .span(fullWidth / 2)
        .withTarget(range(`rate(process_cpu_seconds_total{job="etcd",${where}}[$__rate_interval])`, '{{member}}'))
    );
}

/** A column of 0 and 1 in words. */
function yesNo(no: string, noColour: string, yes: string, yesColour: string) {
  const options = { '0': { text: no, color: noColour, index: 0 }, '1': { text: yes, color: yesColour, index: 1 } };
  return [
    { id: 'mappings', value: [{ type: 'value', options }] },
    { id: 'custom.cellOptions', value: { type: 'color-text' } },
    ...greyOtherwise,
  ];
}
