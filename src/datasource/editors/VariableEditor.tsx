import type { QueryEditorProps } from '@grafana/data';
import { Combobox, Field, Stack } from '@grafana/ui';
import React from 'react';

import type { FleetDatasource } from '../datasource';
import { defaults } from '../normalize';
import { type ClustersQuery, dimensions, type FleetQuery } from '../queries';
import type { FleetOptions } from '../settings';
import { ScopeFields } from './ScopeFields';

const dimensionOptions = dimensions.map((value) => ({ value }));

type Props = Pick<
  QueryEditorProps<FleetDatasource, FleetQuery, FleetOptions, ClustersQuery>,
  'datasource' | 'query' | 'onChange'
>;

/** Edits a dashboard variable: which dimension's values it offers, and of which clusters. */
export function VariableEditor({ datasource, query, onChange }: Props) {
  const complete: ClustersQuery = { ...defaults.clusters, ...query, kind: 'clusters' };
  return (
    <Stack direction="column" gap={2}>
      <Field label="Values of" description="The variable offers every value that the inventory has." noMargin>
        <Combobox
          id="variable-dimension"
          options={dimensionOptions}
          value={complete.distinct || 'cluster'}
          width={24}
          onChange={({ value }) => onChange({ ...complete, distinct: value })}
        />
      </Field>
      <ScopeFields
        datasource={datasource}
        idPrefix="variable"
        scope={complete.scope}
        onChange={(scope) => onChange({ ...complete, distinct: complete.distinct || 'cluster', scope })}
      />
    </Stack>
  );
}
