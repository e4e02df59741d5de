import { type QueryEditorProps } from '@grafana/data';
import { Alert, Combobox, Field, Stack, Text } from '@grafana/ui';
import React from 'react';

import type { FleetDatasource } from '../datasource';
import { type FleetQuery, kindNamed, type QueryKind, queryKinds } from '../kinds';
import { isProblem, normalizeQuery } from '../queries';
import type { FleetOptions } from '../settings';

const kindOptions = queryKinds.map((value) => {
  const { label, description } = kindNamed(value);
  return { value, label, description };
});

export function QueryEditor({
  datasource,
  query,
  onChange,
  onRunQuery,
}: QueryEditorProps<FleetDatasource, FleetQuery, FleetOptions>) {
  const kind = queryKinds.includes(query.kind) ? query.kind : 'clusters';
  const { defaults, description, Editor } = kindNamed(kind);
  const checked = normalizeQuery({ ...query, kind });
  // A query of an older version is edited in its current form; a wrong one as it is.
  const complete = { ...defaults, ...query, ...(isProblem(checked) ? {} : checked), kind } as FleetQuery;

  const change = (fields: Partial<FleetQuery>, run = true) => {
    const next = { ...complete, ...fields } as FleetQuery;
    onChange(next);
    if (run && !isProblem(normalizeQuery(next))) {
      onRunQuery();
    }
  };
  // What the kinds have in common, the scope above all, survives the change of kind.
  const changeKind = (next: QueryKind) =>
    change({ ...kindNamed(next).defaults, ...carriedOver(complete, next), kind: next } as FleetQuery);

  return (
    <Stack direction="column" gap={1}>
      <Field label="Query" description={description} noMargin>
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
  return 'scope' in query && 'scope' in kindNamed(next).defaults ? { scope: query.scope } : {};
}
