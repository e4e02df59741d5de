import { type HttpOptions, http } from '../http.ts';
import type { Lab } from '../lab.ts';
import type { Task } from '../supervisor/service.ts';
import { grafanaAdmin, grafanaName, grafanaURL } from './grafana.ts';

/** The accounts besides the administrator, so that every role can be tried. The password is the name. */
export const grafanaAccounts = [
  { login: 'viewer', role: 'Viewer' },
  { login: 'editor', role: 'Editor' },
];

/** Creates the accounts that do not exist yet. */
export function grafanaAccountsTask(lab: Lab): Task {
  return {
    name: 'grafana-accounts',
    needs: [grafanaName],
    explainedBy: grafanaName,
    async run() {
      for (const account of grafanaAccounts) {
        await createAccount(lab, account);
      }
    },
  };
}

async function createAccount(lab: Lab, { login, role }: (typeof grafanaAccounts)[number]): Promise<void> {
  const created = await api(lab, 'POST', '/api/admin/users', { login, name: login, password: login });
  if (created.status === 412) {
    return; // it exists since an earlier start, and a user may have changed its role on purpose
  }
  const { id } = JSON.parse(created.body) as { id: number };
  await api(lab, 'PATCH', `/api/org/users/${id}`, { role });
}

async function api(lab: Lab, method: string, path: string, body: object) {
  const authorization = `Basic ${btoa(`${grafanaAdmin.user}:${grafanaAdmin.password}`)}`;
  const options: HttpOptions = {
    method,
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    timeoutMilliseconds: 30_000,
  };
  const answer = await http(`${grafanaURL(lab)}${path}`, options);
  if (answer.status !== 200 && answer.status !== 412) {
    throw new Error(`Grafana answered ${answer.status} to ${method} ${path}: ${answer.body.slice(0, 300)}`);
  }
  return answer;
}
