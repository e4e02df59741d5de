// The copy inside @grafana/ui is version 6 under another name; TypeScript does not look there.
declare module 'react-router-dom-v5-compat' {
  export * from 'react-router-dom';
}
