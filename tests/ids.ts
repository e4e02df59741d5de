import { createRequire } from 'node:module';

import type * as Ids from '../src/ids.ts';

// Playwright loads what is in src/ by require only: no package.json there makes its files ES modules.
const ids: typeof Ids = createRequire(import.meta.url)('../src/ids.ts');

export const { appId, dashboardUids, datasourceType, datasourceUid } = ids;
