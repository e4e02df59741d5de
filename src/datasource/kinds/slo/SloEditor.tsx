import { Alert, Combobox, Field, InlineSwitch, RadioButtonGroup, Stack } from '@grafana/ui';
import React from 'react';

import { PageFields } from '../../editors/PageFields';
import { matching, ScopeFields } from '../../editors/ScopeFields';
import { ValuesField } from '../../editors/ValuesField';
import { budgetWindow, sloWindows } from '../../sloWindows';
import { dimensions } from '../../scope';
import type { EditorProps } from '../kind';
import { sloLevels, type SloQuery, sloSorts } from './query';

const levelLabels: Record<SloQuery['level'], string> = {
  fleet: 'The whole fleet',
  region: 'Region',
  product: 'Product of a region',
  scene: 'Scene of a product',
  spec: 'Spec of a scene',
  cluster: 'Cluster',
};

const sortLabels: Record<SloQuery['sort'], string> = {
  worst: 'Worst first: what burns now, then the error budget left',
  budgetLeft: 'Error budget left',
  burnRate: 'Burn rate',
  ratio: 'Ratio of good events',
  target: 'Target',
  bad: 'Bad events',
  all: 'All events',
};

const levelOptions = sloLevels.map((value) => ({ value, label: levelLabels[value] }));
const sortOptions = sloSorts.map((value) => ({ value, label: sortLabels[value] }));
const windowOptions = sloWindows.map((value) => ({ value }));

const rowOptions: Array<{ value: SloQuery['by']; label: string; description: string }> = [
  { value: 'objective', label: 'Objective', description: 'One row per objective, with the events of its worst SLI' },
  { value: 'sli', label: 'SLI', description: 'One row per SLI' },
];

export function SloEditor({ datasource, query, onChange, onRunQuery }: EditorProps<SloQuery>) {
  const idPrefix = query.refId;
  const objectives = async (typed: string) =>
    matching(await datasource.objectives(datasource.expandScope(query.scope)), typed);
  return (
    <>
      <ScopeFields
        datasource={datasource}
        idPrefix={idPrefix}
        scope={query.scope}
        fields={dimensions}
        onChange={(scope) => onChange({ scope })}
      />
      <Stack direction="row" gap={2} wrap="wrap" alignItems="flex-end">
        <Field label="Level" description="What a row stands for" noMargin>
          <Combobox
            id={`${idPrefix}-level`}
            options={levelOptions}
            value={query.level}
            width={26}
            onChange={({ value }) => onChange({ level: value })}
          />
        </Field>
        <Field label="A row for each" noMargin>
          <RadioButtonGroup
            id={`${idPrefix}-by`}
            aria-label="A row for each"
            options={rowOptions}
            value={query.by}
            onChange={(by) => onChange({ by })}
          />
        </Field>
        <ValuesField
          id={`${idPrefix}-objectives`}
          label="Objectives"
          options={objectives}
          values={query.objectives}
          width={36}
          allowOthers
          onChange={(chosen) => onChange({ objectives: chosen })}
        />
        <Field label="Window" description={`Of burn rate, ratio and events; the budget’s is ${budgetWindow}`} noMargin>
          <Combobox
            id={`${idPrefix}-window`}
            options={windowOptions}
            value={query.window}
            width={16}
            onChange={({ value }) => onChange({ window: value })}
          />
        </Field>
      </Stack>
      <Stack direction="row" gap={2} wrap="wrap" alignItems="flex-end">
        <Field label="Sort by" description="Rows without this value are left out" noMargin>
          <Combobox
            id={`${idPrefix}-sort`}
            options={sortOptions}
            value={query.sort}
            width={26}
            onChange={({ value }) => onChange({ sort: value, descending: worstIsHighest(value) })}
          />
        </Field>
        <InlineSwitch
          id={`${idPrefix}-descending`}
          label="Descending"
          showLabel
          value={query.descending}
          onChange={(event) => onChange({ descending: event.currentTarget.checked })}
        />
        <PageFields
          idPrefix={idPrefix}
          limit={query.limit}
          offset={query.offset}
          onChange={onChange}
          onRunQuery={onRunQuery}
        />
      </Stack>
      {isHeavy(query) && (
        <Alert severity="info" title="This ranks the events of every cluster" bottomSpacing={0}>
          Error budget and burn rate of objectives are recorded for each cluster, the rest is computed: narrow the scope
          in a large fleet.
        </Alert>
      )}
    </>
  );
}

/** Choosing a value to sort by shows its worst rows first, as the query's default does. */
function worstIsHighest(sort: SloQuery['sort']): boolean {
  return sort === 'burnRate' || sort === 'bad' || sort === 'all' || sort === 'target';
}

function isHeavy({ level, by, sort, scope }: SloQuery): boolean {
  const isRecorded = by === 'objective' && (sort === 'worst' || sort === 'budgetLeft' || sort === 'burnRate');
  return level === 'cluster' && !isRecorded && !scope.cluster?.length && !scope.region?.length;
}
