import { Combobox, Field } from '@grafana/ui';
import React from 'react';

import { TableEditor } from '../../editors/TableEditor';
import type { EditorProps } from '../kind';
import type { DiagnosisQuery } from './query';

const findingsOptions = [
  { value: 'all' as const, label: 'All findings' },
  { value: 'first' as const, label: 'The worst of each cluster' },
  { value: 'evidence' as const, label: 'Their evidence' },
];

export function DiagnosisEditor(props: EditorProps<DiagnosisQuery>) {
  const { query, onChange } = props;
  return (
    <TableEditor {...props}>
      <Field label="Findings" noMargin>
        <Combobox
          id={`${query.refId}-findings`}
          options={findingsOptions}
          value={query.findings}
          width={30}
          onChange={({ value }) => onChange({ findings: value })}
        />
      </Field>
    </TableEditor>
  );
}
