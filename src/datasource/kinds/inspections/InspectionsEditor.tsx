import { Stack } from '@grafana/ui';
import React from 'react';

import { PageFields } from '../../editors/PageFields';
import { matching, ScopeFields } from '../../editors/ScopeFields';
import { ValuesField } from '../../editors/ValuesField';
import type { EditorProps } from '../kind';
import { type InspectionsQuery, outcomes } from './query';

const outcomeOptions = outcomes.map((value) => ({ value, label: value }));

export function InspectionsEditor({ datasource, query, onChange, onRunQuery }: EditorProps<InspectionsQuery>) {
  return (
    <>
      <ScopeFields
        datasource={datasource}
        idPrefix={query.refId}
        scope={query.scope}
        onChange={(scope) => onChange({ scope })}
      />
      <Stack direction="row" gap={2} wrap="wrap" alignItems="flex-end">
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
