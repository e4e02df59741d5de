import { expect, test as base } from '@grafana/plugin-e2e';

/** The accounts of the lab's Grafana. The password is the name. */
export type Account = 'admin' | 'editor' | 'viewer';

/** Runs tests in the Grafana at GRAFANA_URL, logged in as `account`. */
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
