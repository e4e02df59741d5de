import { expect, test as base } from '@grafana/plugin-e2e';

/** The uid of the datasource that the lab provisions. */
export const datasourceUid = 'etcdfleet';

/** The accounts of the lab's Grafana; each one's password is its name. */
export type Account = 'admin' | 'editor' | 'viewer';

/** Tests in the Grafana at GRAFANA_URL, logged in as `account`. */
export const test = base.extend<{ account: Account }>({
  account: ['admin', { option: true }],

  context: async ({ context, account, baseURL }, use) => {
    if (!baseURL) {
      throw new Error('GRAFANA_URL is not set: start the lab (npm run lab) and set it to the address of its Grafana.');
    }
    const login = await context.request.post('/login', { data: { user: account, password: account } });
    expect(login.ok(), `login as ${account}`).toBe(true);
    await use(context);
  },
});

export { expect };
