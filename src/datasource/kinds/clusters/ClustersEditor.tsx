import { Combobox, Field, InlineSwitch } from '@grafana/ui';
import React from 'react';

import { TableEditor } from '../../editors/TableEditor';
import { scopeFields } from '../../scope';
import type { EditorProps } from '../kind';
import { clusterSorts, type ClustersQuery } from './query';

const sortLabels: Record<ClustersQuery['sort'], string> = {
  health: 'Health (worst first)',
  region: 'Region',
  cluster: 'Cluster',
  keys: 'Keys',
  dbSize: 'Database size',
  lastInspection: 'Last inspection',
};

const sortOptions = clusterSorts.map((value) => ({ value, label: sortLabels[value] }));

const distinctOptions = [
  { value: '' as const, label: 'Whole rows' },
  ...scopeFields.map((value) => ({ value, label: `Only the values of ${value}` })),
];

export function ClustersEditor(props: EditorProps<ClustersQuery>) {
  const { query, onChange } = props;
  return (
    <TableEditor {...props}>
      <Field label="Columns" noMargin>
        <Combobox
          id={`${query.refId}-distinct`}
          options={distinctOptions}
          value={query.distinct}
          width={30}
          onChange={({ value }) => onChange({ distinct: value })}
        />
      </Field>
      <Field label="Sort by" noMargin>
        <Combobox
          id={`${query.refId}-sort`}
          options={sortOptions}
          value={query.sort}
          width={26}
          onChange={({ value }) => onChange({ sort: value })}
        />
      </Field>
      <InlineSwitch
        id={`${query.refId}-descending`}
        label="Descending"
        showLabel
        value={query.descending}
        onChange={(event) => onChange({ descending: event.currentTarget.checked })}
      />
    </TableEditor>
  );
}
