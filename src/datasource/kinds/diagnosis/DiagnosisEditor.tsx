import { Combobox, Field, Stack } from '@grafana/ui';
import React from 'react';

import { PageFields } from '../../editors/PageFields';
import { ScopeFields } from '../../editors/ScopeFields';
import type { EditorProps } from '../kind';
import type { DiagnosisQuery } from './query';

const findingsOptions = [
  { value: 'all' as const, label: 'All findings' },
  { value: 'first' as const, label: 'The worst of each cluster' },
  { value: 'evidence' as const, label: 'Their evidence' },
];

export function DiagnosisEditor({ datasource, query, onChange, onRunQuery }: EditorProps<DiagnosisQuery>) {
  return (
    <>
      <ScopeFields
        datasource={datasource}
        idPrefix={query.refId}
        scope={query.scope}
        onChange={(scope) => onChange({ scope })}
      />
      <Stack direction="row" gap={2} wrap="wrap" alignItems="flex-end">
        <Field label="Findings" noMargin>
          <Combobox
            id={`${query.refId}-findings`}
            options={findingsOptions}
            value={query.findings}
            width={30}
            onChange={({ value }) => onChange({ findings: value })}
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
