import { getTemplateSrv } from '@grafana/runtime';
import { type ComboboxOption, Stack } from '@grafana/ui';
import React from 'react';

import type { Suggestions } from '../kinds/kind';
import { type Dimension, dimensions, type Scope } from '../scope';
import { ValuesField } from './ValuesField';

interface Props {
  datasource: Suggestions;
  idPrefix: string;
  scope: Scope;
  onChange: (scope: Scope) => void;
}

/** Which clusters a query is about: a list for each dimension, offered from the inventory, variables included. */
export function ScopeFields({ datasource, idPrefix, scope, onChange }: Props) {
  const options = (dimension: Dimension) => async (typed: string) => {
    const { [dimension]: _, ...others } = datasource.expandScope(scope);
    const variables = getTemplateSrv()
      .getVariables()
      .map(({ name }) => `$${name}`);
    return matching([...variables, ...(await datasource.dimensionValues(dimension, others))], typed);
  };
  return (
    <Stack direction="row" gap={2} wrap="wrap">
      {dimensions.map((dimension) => (
        <ValuesField
          key={dimension}
          id={`${idPrefix}-${dimension}`}
          label={capitalized(dimension)}
          options={options(dimension)}
          values={scope[dimension] ?? []}
          width={dimension === 'cluster' ? 36 : 24}
          allowOthers
          onChange={(values) => onChange({ ...scope, [dimension]: values })}
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
