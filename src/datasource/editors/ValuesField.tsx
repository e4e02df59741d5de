import { type ComboboxOption, Field, Label, MultiCombobox } from '@grafana/ui';
import React from 'react';

interface Props<T extends string> {
  id: string;
  label: string;
  options: Array<ComboboxOption<T>> | ((typed: string) => Promise<Array<ComboboxOption<T>>>);
  values: T[];
  /** Units of Grafana's grid. */
  width: number;
  /** Lets values be typed that are not offered, such as variables. */
  allowOthers?: boolean;
  onChange: (values: T[]) => void;
}

/** A list of values, of which none means all. */
export function ValuesField<T extends string>({ id, label, options, values, width, allowOthers, onChange }: Props<T>) {
  return (
    // MultiCombobox gives its input an id of its own: only the label's id can be referenced.
    <Field label={<Label id={`${id}-label`}>{label}</Label>} noMargin>
      <MultiCombobox
        aria-labelledby={`${id}-label`}
        options={options}
        value={values}
        placeholder="All"
        width={width}
        createCustomValue={allowOthers}
        isClearable
        onChange={(chosen) => onChange(chosen.map(({ value }) => value))}
      />
    </Field>
  );
}
