import { Combobox, Field, Stack } from '@grafana/ui';
import React from 'react';

import { PageFields } from '../../editors/PageFields';
import { ScopeFields } from '../../editors/ScopeFields';
import type { EditorProps } from '../kind';
import type { ImpactQuery } from './query';

const rowOptions = [
  { value: 'cluster' as const, label: 'Clusters on the hosts or zones' },
  { value: 'host' as const, label: 'Hosts' },
  { value: 'zone' as const, label: 'Zones' },
];

export function ImpactEditor({ datasource, query, onChange, onRunQuery }: EditorProps<ImpactQuery>) {
  return (
    <>
      <ScopeFields
        datasource={datasource}
        idPrefix={query.refId}
        scope={query.scope}
        onChange={(scope) => onChange({ scope })}
      />
      <Stack direction="row" gap={2} wrap="wrap" alignItems="flex-end">
        <Field label="Rows" noMargin>
          <Combobox
            id={`${query.refId}-by`}
            options={rowOptions}
            value={query.by}
            width={30}
            onChange={({ value }) => onChange({ by: value })}
          />
        </Field>
        <PageFields
          idPrefix={query.refId}
          limit={query.limit}
          offset={query.offset}
          onChange={onChange}
          onRunQuery={onRunQuery}
        />
      </Stack>
    </>
  );
}
