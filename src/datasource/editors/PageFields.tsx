import { Field, Input } from '@grafana/ui';
import React from 'react';

import { maxLimit, type Page } from '../page';

interface Props extends Page {
  idPrefix: string;
  onChange: (change: Partial<Page>, run: boolean) => void;
  onRunQuery: () => void;
}

/** Which rows of the whole answer to return. */
export function PageFields({ idPrefix, limit, offset, onChange, onRunQuery }: Props) {
  return (
    <>
      <Field label="Limit" noMargin>
        <Input
          id={`${idPrefix}-limit`}
          type="number"
          min={1}
          max={maxLimit}
          width={12}
          value={Number.isNaN(limit) ? '' : limit}
          onChange={(event) => onChange({ limit: event.currentTarget.valueAsNumber }, false)}
          onBlur={onRunQuery}
        />
      </Field>
      <Field label="Offset" noMargin>
        <Input
          id={`${idPrefix}-offset`}
          type="number"
          min={0}
          width={12}
          value={Number.isNaN(offset) ? '' : offset}
          onChange={(event) => onChange({ offset: event.currentTarget.valueAsNumber }, false)}
          onBlur={onRunQuery}
        />
      </Field>
    </>
  );
}
