import React from 'react';

import { matching } from '../../editors/ScopeFields';
import { TableEditor } from '../../editors/TableEditor';
import { ValuesField } from '../../editors/ValuesField';
import type { EditorProps } from '../kind';
import { type InspectionsQuery, outcomes } from './query';

const outcomeOptions = outcomes.map((value) => ({ value, label: value }));

export function InspectionsEditor(props: EditorProps<InspectionsQuery>) {
  const { datasource, query, onChange } = props;
  return (
    <TableEditor {...props}>
      <ValuesField
        id={`${query.refId}-checks`}
        label="Checks"
        options={async (typed) => matching(await datasource.checks(), typed)}
        values={query.checks}
        width={36}
        allowOthers
        onChange={(checks) => onChange({ checks })}
      />
      <ValuesField
        id={`${query.refId}-outcomes`}
        label="Outcomes of the last run"
        options={outcomeOptions}
        values={query.outcomes}
        width={36}
        onChange={(chosen) => onChange({ outcomes: chosen })}
      />
    </TableEditor>
  );
}
