import { type QueryEditorProps } from '@grafana/data';
import { Alert, Combobox, Field, Stack, Text } from '@grafana/ui';
import React, { type ComponentType } from 'react';

import type { FleetDatasource } from '../datasource';
import { isProblem, normalizeQuery } from '../normalize';
import { type FleetQuery, type QueryKind, queryKinds } from '../queries';
import type { FleetOptions } from '../settings';
import { type KindEditorProps, kinds } from './kinds';

const kindOptions = queryKinds.map((value) => ({
  value,
  label: kinds[value].label,
  description: kinds[value].description,
}));

export function QueryEditor({
  datasource,
  query,
  onChange,
  onRunQuery,
}: QueryEditorProps<FleetDatasource, FleetQuery, FleetOptions>) {
  const kind = queryKinds.includes(query.kind) ? query.kind : 'clusters';
  const complete = { ...kinds[kind].default, ...query, kind } as FleetQuery;
  const checked = normalizeQuery(complete);

  const change = (fields: Partial<FleetQuery>, run = true) => {
    const next = { ...complete, ...fields } as FleetQuery;
    onChange(next);
    if (run && !isProblem(normalizeQuery(next))) {
      onRunQuery();
    }
  };
  // What the kinds have in common, the scope above all, survives the change of kind.
  const changeKind = (next: QueryKind) =>
    change({ ...kinds[next].default, ...carriedOver(complete, next), kind: next } as FleetQuery);

  // The table pairs each kind with the editor of its own query; TypeScript cannot follow that through the lookup.
  const Editor = kinds[kind].Editor as ComponentType<KindEditorProps<FleetQuery>>;
  return (
    <Stack direction="column" gap={1}>
      <Field label="Query" description={kinds[kind].description} noMargin>
        <Combobox
          id={`${query.refId}-kind`}
          options={kindOptions}
          value={kind}
          width={32}
          onChange={({ value }) => changeKind(value)}
        />
      </Field>
      <Editor datasource={datasource} query={complete} onChange={change} onRunQuery={onRunQuery} />
      {isProblem(checked) && (
        <Alert severity="error" title={checked.message} bottomSpacing={0}>
          <Text color="secondary">The query does not run until {checked.field} is corrected.</Text>
        </Alert>
      )}
    </Stack>
  );
}

function carriedOver(query: FleetQuery, next: QueryKind): Partial<FleetQuery> {
  return 'scope' in query && 'scope' in kinds[next].default ? { scope: query.scope } : {};
}
