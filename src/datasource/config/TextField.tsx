import { Field, Input } from '@grafana/ui';
import React from 'react';

import type { Problem } from './problems';

interface Props {
  id: string;
  label: string;
  description?: string;
  placeholder?: string;
  value: string;
  required?: boolean;
  problem?: Problem;
  disabled: boolean;
  onChange: (value: string) => void;
  onBlur?: () => void;
}

/** A line of text; surrounding spaces are removed. */
export function TextField({ id, value, placeholder, problem, onChange, onBlur, ...field }: Props) {
  return (
    <Field {...field} invalid={problem !== undefined} error={problem}>
      <Input
        id={id}
        width={60}
        value={value}
        placeholder={placeholder}
        onChange={(event) => onChange(event.currentTarget.value.trim())}
        onBlur={onBlur}
      />
    </Field>
  );
}
