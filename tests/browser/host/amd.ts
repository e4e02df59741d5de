type Factory = (...dependencies: unknown[]) => unknown;

declare global {
  interface Window {
    define?: ((dependencies: string[], factory: Factory) => void) & { amd: object };
  }
}

const loaded = new Map<string, Promise<unknown>>();

/**
 * Loads an AMD module as Grafana's loader does: with a script element, the shared libraries by name and a `module` with
 * the module's address. A library that the host does not share is an error, as in Grafana.
 */
export function loadAmdModule<T>(address: string, libraries: Record<string, unknown>): Promise<T> {
  const known = loaded.get(address) ?? loadOnce(address, libraries);
  loaded.set(address, known);
  return known as Promise<T>;
}

async function loadOnce(address: string, libraries: Record<string, unknown>): Promise<unknown> {
  const { dependencies, factory } = await definitionAt(address);
  const available: Record<string, unknown> = { ...libraries, module: { id: address, uri: address } };
  const missing = dependencies.filter((name) => !(name in available));
  if (missing.length > 0) {
    throw new Error(`${address} asks for ${missing.join(', ')}, which Grafana does not share.`);
  }
  return factory(...dependencies.map((name) => available[name]));
}

function definitionAt(address: string): Promise<{ dependencies: string[]; factory: Factory }> {
  return new Promise((resolve, reject) => {
    window.define = Object.assign((dependencies: string[], factory: Factory) => resolve({ dependencies, factory }), {
      amd: {},
    });
    const script = document.createElement('script');
    script.src = address;
    script.onload = () => reject(new Error(`${address} defines no AMD module.`));
    script.onerror = () => reject(new Error(`${address} cannot be loaded: run npm run build.`));
    document.head.append(script);
  });
}
