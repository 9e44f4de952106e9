import type { Body, Operation } from '../../shared/contract.ts';

/** One call of the REST API, not yet made. */
export interface Call<O extends Operation> {
  readonly operation: O;
  readonly method: 'get' | 'post' | 'patch' | 'delete';
  readonly path: string;
  readonly body?: Body<O>;
}

type Query = Readonly<Record<string, string | number | undefined>>;

/** A path with its query; what is absent or blank is left out. (Apps Script has no URLSearchParams.) */
export function toPath(path: string, query: Query = {}): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [`${name}=${encodeURIComponent(String(value))}`],
  );
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`;
}

export const planePath = (planeId: string): string => `/v1/planes/${encodeURIComponent(planeId)}`;
