import { z } from 'zod';
import { contract, problemAnswerSchema, type ContractRow, type Operation } from '../../shared/contract.ts';
import * as planes from '../../shared/plane.ts';
import * as views from '../../shared/views.ts';
import * as fleetViews from '../../shared/views-fleet.ts';
import type { Json } from '../core/surroundings.ts';
import { carriesEtag, readBehind } from './etag.ts';
import { examples } from './openapi-examples.ts';

/* OpenAPI 3.1 out of the contract table: what is served, and what stands in manifests/openapi.yaml. */

type Part = { readonly [key: string]: Json | undefined };
type Direction = 'input' | 'output';

const at = '#/components/schemas/';

/** `agentViewSchema` becomes `AgentView`. */
const toName = (exported: string): string => exported.charAt(0).toUpperCase() + exported.slice(1).replace(/Schema$/, '');

function nameSchemas() {
  const registry = z.registry<{ id: string }>();
  for (const [exported, value] of Object.entries({ ...views, ...fleetViews, planeSchema: planes.planeSchema }))
    if (value instanceof z.ZodType && exported.endsWith('Schema')) registry.add(value, { id: toName(exported) });
  registry.add(problemAnswerSchema, { id: 'Problem' });
  return registry;
}

/** Formats say these already; in what we send ourselves the long patterns are of no use to anybody. */
function tidy(json: z.core.JSONSchema.BaseSchema, io: Direction): void {
  if (io === 'output' && json.format !== undefined) delete json.pattern;
  if (json.minimum === Number.MIN_SAFE_INTEGER) delete json.minimum;
  if (json.maximum === Number.MAX_SAFE_INTEGER) delete json.maximum;
}

/** Collects what schemas have in common as components. */
function createSchemas() {
  const registry = nameSchemas();
  const components = new Map<string, Part>();

  function toPart(schema: z.ZodType, io: Direction): Part {
    const nameOf = (id: string): string => (id.startsWith('__') ? 'Json' : io === 'input' ? `${id}Input` : id);
    const json = z.toJSONSchema(schema, {
      ...{ io, metadata: registry, unrepresentable: 'any' },
      override({ zodSchema, jsonSchema }) {
        tidy(jsonSchema, io);
        const { def } = zodSchema._zod;
        // A query says it in words.
        if (io === 'input' && def.type === 'pipe' && jsonSchema.type === 'string') jsonSchema.enum = ['true', 'false'];
      },
    });
    const text = JSON.stringify(json).replaceAll(/"#\/\$defs\/([^"]+)"/g, (_, id: string) => JSON.stringify(at + nameOf(id)));
    const { $schema: _schema, $defs: defs, id: _id, ...part } = JSON.parse(text) as Part & { $defs?: Readonly<Record<string, Part>> };
    for (const [id, { id: _own, ...component }] of Object.entries(defs ?? {})) components.set(nameOf(id), component);
    const own = registry.get(schema)?.id;
    if (own === undefined || part['$ref'] !== undefined) return part;
    components.set(nameOf(own), part);
    return { $ref: at + nameOf(own) };
  }
  return { toPart, components: () => Object.fromEntries([...components].sort(([a], [b]) => (a < b ? -1 : 1))) };
}
type Schemas = ReturnType<typeof createSchemas>;

function toParameters(row: ContractRow, operation: Operation, { toPart }: Schemas): Json[] {
  const of = (schema: z.ZodType, where: 'path' | 'query'): Json[] => {
    const { properties, required } = toPart(schema, 'input') as { properties?: Record<string, Json>; required?: string[] };
    return Object.entries(properties ?? {}).map(([name, shape]) => ({
      ...{ name, in: where, required: where === 'path' || (required ?? []).includes(name), schema: shape },
    }));
  };
  const mutates = row.method !== 'get';
  const header = (name: string): Json => ({ $ref: `#/components/parameters/${name}` });
  return [
    ...of(row.params, 'path'),
    ...of(row.query, 'query'),
    ...(mutates ? [header('IdempotencyKey')] : []),
    ...(mutates && readBehind(row.path) ? [header('IfMatch')] : []),
    ...(carriesEtag(operation) ? [header('IfNoneMatch')] : []),
    header('RequestId'),
  ];
}

const problems: readonly (readonly [status: number, name: string, of: (row: ContractRow) => boolean])[] = [
  [400, 'Invalid', () => true],
  [401, 'Unauthenticated', () => true],
  [403, 'Forbidden', () => true],
  [404, 'NotFound', ({ path }) => path.includes('{')],
  [409, 'Conflict', ({ method, path }) => method !== 'get' || path.includes('{')],
  [412, 'PreconditionFailed', ({ method }) => method !== 'get'],
  [415, 'UnsupportedMediaType', ({ method }) => method !== 'get'],
  [422, 'Unprocessable', ({ method }) => method !== 'get'],
  [429, 'TooManyRequests', () => true],
  [500, 'Internal', () => true],
  [503, 'Unavailable', () => true],
  [504, 'Timeout', () => true],
];

function toResponses(row: ContractRow, operation: Operation, { toPart }: Schemas): Part {
  const type = row.produces ?? 'application/json';
  const example = examples[operation]?.answer;
  const content = { [type]: { schema: toPart(row.answer, 'output'), ...(example === undefined ? {} : { example }) } };
  const etag = carriesEtag(operation) ? { ETag: { $ref: '#/components/headers/ETag' } } : {};
  const headers = { 'X-Request-Id': { $ref: '#/components/headers/RequestId' }, ...etag };
  const words = { 200: 'Done', 201: 'Made', 202: 'Taken; the work goes on' } as const;
  return {
    [row.status]: { description: words[row.status], headers, content },
    ...(carriesEtag(operation) ? { 304: { description: 'As the caller knows it', headers } } : {}),
    ...Object.fromEntries(
      problems.filter(([, , of]) => of(row)).map(([status, name]) => [status, { $ref: `#/components/responses/${name}` }]),
    ),
  };
}

const reaches: Readonly<Record<ContractRow['reach'], string>> = {
  self: 'for any part of the company',
  agent: 'for the company, or the org unit of the agent\u2019s owner',
  user: 'for the company, or the org unit of the user',
  list: 'for the company, or an org unit, whose part alone is shown',
  plane: 'for the whole company',
};
const tagOf = (path: string): string =>
  /^\/v1\/planes\/\{planeId\}\/([a-z-]+)/.exec(path)?.[1] ?? /^\/v1\/([a-z]+)/.exec(path)?.[1] ?? 'api';

function toOperation(operation: Operation, schemas: Schemas): Part {
  const row: ContractRow = contract[operation];
  const example = examples[operation]?.body;
  const body = row.body && {
    required: !row.body.safeParse({}).success,
    content: { 'application/json': { schema: schemas.toPart(row.body, 'input'), ...(example === undefined ? {} : { example }) } },
  };
  return {
    operationId: operation,
    summary: row.summary,
    description: `Needs the role OpenClaw Agent ${row.role === 'admin' ? 'Admin' : 'Viewer'} ${reaches[row.reach]}.`,
    tags: [tagOf(row.path)],
    parameters: toParameters(row, operation, schemas),
    ...(body ? { requestBody: body } : {}),
    responses: toResponses(row, operation, schemas),
  };
}

const text = { type: 'string' } as const;
const sharedParts = {
  securitySchemes: {
    googleIdToken: {
      ...{ type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
      description: 'A Google ID token of a verified account of the company, made for one of the plane\u2019s OAuth clients.',
    },
  },
  parameters: {
    IdempotencyKey: {
      ...{ name: 'Idempotency-Key', in: 'header', required: false },
      description: 'The same key again within 24 hours means the same change, once; a repeat answers as the first did.',
      schema: { ...text, pattern: '^[!#-~]{1,200}$' },
    },
    IfMatch: {
      ...{ name: 'If-Match', in: 'header', required: false },
      description: 'The ETag of what this change is based on; 412 where somebody changed it since.',
      schema: { ...text, pattern: '^(\\*|"[\\x21\\x23-\\x7e]{1,200}")$' },
    },
    IfNoneMatch: {
      ...{ name: 'If-None-Match', in: 'header', required: false, schema: text },
      description: 'The ETag of the answer that the caller has; 304 where it is still the same.',
    },
    RequestId: {
      ...{ name: 'X-Request-Id', in: 'header', required: false, schema: text },
      description: 'The caller\u2019s own name for this call; the audit log shows it. Made up where it is missing.',
    },
  },
  headers: {
    ETag: { schema: text, description: 'Stands for this answer; the part before the dot for what callers can change.' },
    RequestId: { schema: text, required: true, description: 'Names this call in the audit log.' },
    RetryAfter: { schema: { type: 'string' }, required: true, description: 'In seconds.' },
  },
} as const;

const titles: Readonly<Record<string, string>> = {
  Invalid: 'The input is wrong; `problems` names each field',
  Unauthenticated: 'Nobody knows who is calling',
  Forbidden: 'The caller has no role for this, or the caller is no person',
  NotFound: 'There is no such thing',
  Conflict: 'It does not fit how things are now',
  PreconditionFailed: 'Somebody changed it since the caller read it',
  UnsupportedMediaType: 'The body is not JSON',
  Unprocessable: 'This Idempotency-Key came with another request before',
  TooManyRequests: 'The caller asks too much at once',
  Internal: 'Something unforeseen happened',
  Unavailable: 'Something that is needed cannot be reached now',
  Timeout: 'It took too long',
};

/** The document for these rows, always in the same order. */
export function toOpenApi(operations: readonly Operation[]): Part {
  const schemas = createSchemas();
  const problem = { 'application/problem+json': { schema: schemas.toPart(problemAnswerSchema, 'output') } };
  const paths: Record<string, Part> = {};
  for (const operation of operations) {
    const { path, method } = contract[operation];
    paths[path] = { ...paths[path], [method]: toOperation(operation, schemas) };
  }
  const always = { 'X-Request-Id': { $ref: '#/components/headers/RequestId' } };
  const retry = { 'Retry-After': { $ref: '#/components/headers/RetryAfter' } };
  const responses = Object.fromEntries(
    problems.map(([status, name]) => {
      const headers = status === 429 || status === 503 ? { ...always, ...retry } : always;
      return [name, { description: titles[name] ?? name, headers, content: problem }];
    }),
  );
  const tags = [...new Set(operations.map((operation) => tagOf(contract[operation].path)))].sort();
  return {
    openapi: '3.1.0',
    info: {
      title: 'OpenClaw Orchestration API',
      version: '1.0.0',
      description: 'The control plane that gives each employee a personal OpenClaw agent.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    security: [{ googleIdToken: [] }],
    tags: tags.map((name) => ({ name, description: `Calls about ${name.replaceAll('-', ' ')}.` })),
    paths,
    components: { ...sharedParts, responses, schemas: schemas.components() },
  };
}
