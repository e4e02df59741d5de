import { Combobox, Field } from '@grafana/ui';
import React from 'react';

import { matching } from '../../editors/ScopeFields';
import { TableEditor } from '../../editors/TableEditor';
import { ValuesField } from '../../editors/ValuesField';
import type { EditorProps } from '../kind';
import { type EventsQuery, eventTypes } from './query';

const typeOptions = eventTypes.map((value) => ({ value }));

const formatOptions = [
  { value: 'table' as const, label: 'Table' },
  { value: 'annotations' as const, label: 'Annotations' },
];

export function EventsEditor(props: EditorProps<EventsQuery>) {
  const { datasource, query, onChange } = props;
  return (
    <TableEditor {...props}>
      <Field label="Types" noMargin>
        <Combobox
          id={`${query.refId}-types`}
          options={typeOptions}
          value={query.types}
          width={16}
          onChange={({ value }) => onChange({ types: value })}
        />
      </Field>
      <ValuesField
        id={`${query.refId}-reasons`}
        label="Reasons"
        options={async (typed) => matching(await datasource.reasons(), typed)}
        values={query.reasons}
        width={36}
        allowOthers
        onChange={(reasons) => onChange({ reasons })}
      />
      <Field label="Format" noMargin>
        <Combobox
          id={`${query.refId}-format`}
          options={formatOptions}
          value={query.format}
          width={20}
          onChange={({ value }) => onChange({ format: value })}
        />
      </Field>
    </TableEditor>
  );
}
