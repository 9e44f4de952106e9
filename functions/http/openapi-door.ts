import type { Hono } from 'hono';
import { stringify } from 'yaml';
import type { Operation } from '../../shared/contract.ts';
import { toOpenApi } from './openapi.ts';

export const toYaml = (operations: readonly Operation[]): string =>
  stringify(toOpenApi(operations), { aliasDuplicateObjects: false, lineWidth: 0 });

/** Serves the description of these rows to anybody; it is made when it is first asked for. */
export function mountOpenApi(app: Hono, operations: readonly Operation[]): readonly string[] {
  const serve = (path: string, type: string, make: () => string): string => {
    let made: string | undefined;
    const headers = { 'content-type': type, 'cache-control': 'public, max-age=300' };
    app.get(path, () => new Response((made ??= make()), { headers }));
    return path;
  };
  return [
    serve('/v1/openapi.json', 'application/json', () => JSON.stringify(toOpenApi(operations))),
    serve('/v1/openapi.yaml', 'application/yaml', () => toYaml(operations)),
  ];
}
