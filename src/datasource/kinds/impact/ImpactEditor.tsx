import { Combobox, Field } from '@grafana/ui';
import React from 'react';

import { TableEditor } from '../../editors/TableEditor';
import type { EditorProps } from '../kind';
import type { ImpactQuery } from './query';

const rowOptions = [
  { value: 'cluster' as const, label: 'Clusters on the hosts or zones' },
  { value: 'host' as const, label: 'Hosts' },
  { value: 'zone' as const, label: 'Zones' },
];

export function ImpactEditor(props: EditorProps<ImpactQuery>) {
  const { query, onChange } = props;
  return (
    <TableEditor {...props}>
      <Field label="Rows" noMargin>
        <Combobox
          id={`${query.refId}-by`}
          options={rowOptions}
          value={query.by}
          width={30}
          onChange={({ value }) => onChange({ by: value })}
        />
      </Field>
    </TableEditor>
  );
}
