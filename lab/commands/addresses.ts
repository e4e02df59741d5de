import { kubeconfigFile } from '../credentials.ts';
import type { GrafanaSource } from '../grafana/source.ts';
import { type Lab, environmentFile } from '../lab.ts';
import { alertmanagerURL } from '../services/alertmanager.ts';
import { fleetURL } from '../services/fleet.ts';
import { grafanaAccounts } from '../services/grafana-accounts.ts';
import { grafanaAdmin, grafanaURL } from '../services/grafana.ts';
import { thanosRuleURL } from '../services/thanos.ts';

/** Lists the addresses of the lab's services for the terminal. */
export function addresses(lab: Lab, source: GrafanaSource): string {
  const rows = [
    ...grafanaRows(lab, source),
    ['Thanos query', lab.plan.thanosURL],
    ['Thanos rule', `${thanosRuleURL(lab)}  rules and alerts`],
    ['Alertmanager', alertmanagerURL(lab)],
    ...lab.plan.regions.flatMap((region) => [
      [`API server of ${region.name}`, region.apiServerURL],
      ['', `KUBECONFIG=${kubeconfigFile(lab, region, 'lab-admin')}`],
    ]),
    ['Settings and secrets', environmentFile(lab)],
  ];
  return rows.map(([what, where]) => `${what.padEnd(22)}${where}`).join('\n');
}

function grafanaRows(lab: Lab, source: GrafanaSource): string[][] {
  switch (source.kind) {
    case 'url':
      return [
        ['Grafana', `${source.url} (your own, not changed by the lab)`],
        ['', `configure it with the plugin ${lab.root}/dist, the files of ${lab.root}/provisioning,`],
        ['', `and the environment in ${environmentFile(lab)}`],
      ];
    case 'none':
      return [
        ['Grafana', 'none: set GRAFANA_HOME to an unpacked Grafana 12.2 or newer to have one'],
        ...source.reasons.map((reason) => ['', `because ${reason}`]),
        ['Datasource', `${fleetURL(lab)}  the part of Grafana's API that serves it`],
      ];
    default:
      return [
        ['Grafana', `${grafanaURL(lab)}  login ${grafanaAdmin.user}/${grafanaAdmin.password}`],
        ['', `also ${grafanaAccounts.map(({ login, role }) => `${login}/${login} (${role})`).join(', ')}`],
      ];
  }
}
