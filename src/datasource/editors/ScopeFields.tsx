import { getTemplateSrv } from '@grafana/runtime';
import { type ComboboxOption, Stack } from '@grafana/ui';
import React from 'react';

import type { Suggestions } from '../kinds/kind';
import { type Scope, type ScopeField, scopeFields } from '../scope';
import { ValuesField } from './ValuesField';

interface Props {
  datasource: Suggestions;
  idPrefix: string;
  scope: Scope;
  /** The fields that the query's kind allows; all by default. */
  fields?: readonly ScopeField[];
  onChange: (scope: Scope) => void;
}

/** Which clusters a query is about: a list for each field, offered from the inventory, variables included. */
export function ScopeFields({ datasource, idPrefix, scope, fields = scopeFields, onChange }: Props) {
  const options = (field: ScopeField) => async (typed: string) => {
    const { [field]: _, ...others } = datasource.expandScope(scope);
    const variables = getTemplateSrv()
      .getVariables()
      .map(({ name }) => `$${name}`);
    return matching([...variables, ...(await datasource.scopeValues(field, others))], typed);
  };
  return (
    <Stack direction="row" gap={2} wrap="wrap">
      {fields.map((field) => (
        <ValuesField
          key={field}
          id={`${idPrefix}-${field}`}
          label={capitalized(field)}
          options={options(field)}
          values={scope[field] ?? []}
          width={field === 'cluster' ? 36 : 24}
          allowOthers
          onChange={(values) => onChange({ ...scope, [field]: values })}
        />
      ))}
    </Stack>
  );
}

const maxOptions = 500;

/** The options that contain what was typed, few enough to show. */
export function matching(values: string[], typed: string): Array<ComboboxOption<string>> {
  const wanted = typed.toLowerCase();
  return values
    .filter((value) => value.toLowerCase().includes(wanted))
    .slice(0, maxOptions)
    .map((value) => ({ value }));
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
