import type { QueryEditorProps } from '@grafana/data';
import { Combobox, Field, Stack } from '@grafana/ui';
import React from 'react';

import type { FleetDatasource } from '../datasource';
import { defaults } from '../normalize';
import { type Dimension, dimensions, type DistinctQuery, type FleetQuery, type Scope, sloParts } from '../queries';
import type { FleetOptions } from '../settings';
import { ScopeFields } from './ScopeFields';

type Values = Dimension | (typeof sloParts)[number];

const valuesOptions = [...dimensions, ...sloParts].map((value: Values) => ({ value }));

type Props = Pick<
  QueryEditorProps<FleetDatasource, FleetQuery, FleetOptions, DistinctQuery>,
  'datasource' | 'query' | 'onChange'
>;

/** Edits a dashboard variable: which dimension's values it offers, or which part of a service level's names. */
export function VariableEditor({ datasource, query, onChange }: Props) {
  const values = query.distinct || 'cluster';
  const scope = query.scope ?? {};
  return (
    <Stack direction="column" gap={2}>
      <Field
        label="Values of"
        description="The variable offers every value of the inventory, or every objective or SLI that is recorded."
        noMargin
      >
        <Combobox
          id="variable-dimension"
          options={valuesOptions}
          value={values}
          width={24}
          onChange={({ value }) => onChange(queryOf(query.refId, value, scope))}
        />
      </Field>
      <ScopeFields
        datasource={datasource}
        idPrefix="variable"
        scope={scope}
        onChange={(changed) => onChange(queryOf(query.refId, values, changed))}
      />
    </Stack>
  );
}

function queryOf(refId: string, values: Values, scope: Scope): DistinctQuery {
  return values === 'objective' || values === 'sli'
    ? { refId, ...defaults.slo, level: 'region', distinct: values, scope }
    : { refId, ...defaults.clusters, distinct: values, scope };
}
