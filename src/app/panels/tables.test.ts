/** What Grafana's own transformations make of the tables of the generated dashboards. */
import { readdirSync, readFileSync } from 'fs';
import path from 'path';

import {
  type DataFrame,
  type DataTransformerConfig,
  FieldType,
  standardTransformers,
  standardTransformersRegistry,
  toDataFrame,
  transformDataFrame,
} from '@grafana/data';
import { lastValueFrom } from 'rxjs';

interface Table {
  type: string;
  title: string;
  transformations?: DataTransformerConfig[];
}

const folder = path.resolve(__dirname, '../../../dashboards');
const tables = readdirSync(folder)
  .filter((file) => file.startsWith('t') && file.endsWith('.json'))
  .flatMap((file) => {
    const { panels } = JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as { panels: Table[] };
    return panels
      .filter(({ type }) => type === 'table')
      .map((table) => ({ ...table, name: `${file}, ${table.title}` }));
  });

const transformed = ({ transformations = [] }: Table, frame: DataFrame): Promise<DataFrame[]> =>
  lastValueFrom(transformDataFrame(transformations, [frame]));

beforeAll(() =>
  standardTransformersRegistry.setInit(() =>
    [...new Map(Object.values(standardTransformers).map((each) => [each.id, each])).values()].map((transformation) => ({
      id: transformation.id,
      name: transformation.name,
      transformation,
      editor: () => null,
      imageDark: '',
      imageLight: '',
    }))
  )
);

test('a table without rows has no columns, so that it shows its text for no data', async () => {
  expect(tables.length).toBeGreaterThan(30);
  for (const table of tables) {
    const frames = await transformed(table, toDataFrame({ fields: [] }));
    const columns = frames.flatMap(({ fields }) => fields.map(({ name }) => `${table.name}: ${name}`));
    expect(columns).toEqual([]);
  }
});

test('the time on hover is that of the cell', async () => {
  const table = tables.find(({ name }) => name === 'tier1-overview.json, Clusters, worst first')!;
  const at = Date.UTC(2026, 0, 2, 3);
  const frame = toDataFrame({ fields: [{ name: 'lastInspection', type: FieldType.time, values: [at, null] }] });
  const [{ fields }] = await transformed(table, frame);
  expect(fields.find(({ name }) => name === 'lastInspection, exactly')?.values).toEqual([at, 0]);
});
