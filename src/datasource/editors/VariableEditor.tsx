import { Combobox, Field, Stack } from '@grafana/ui';
import React from 'react';

import { type DistinctQuery, distinctQuery, type DistinctValues } from '../distinct';
import type { Suggestions } from '../kinds/kind';
import { sloParts } from '../kinds/slo/query';
import { scopeFields } from '../scope';
import { ScopeFields } from './ScopeFields';

const valuesOptions = [...scopeFields, ...sloParts].map((value: DistinctValues) => ({ value }));

interface Props {
  datasource: Suggestions;
  query: DistinctQuery;
  onChange: (query: DistinctQuery) => void;
}

/** Edits a dashboard variable: which field's values it offers, or which part of a service level's names. */
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
          onChange={({ value }) => onChange(distinctQuery(query.refId, value, scope))}
        />
      </Field>
      <ScopeFields
        datasource={datasource}
        idPrefix="variable"
        scope={scope}
        onChange={(changed) => onChange(distinctQuery(query.refId, values, changed))}
      />
    </Stack>
  );
}
