import type { Api, Match, Schema } from './discovery-document.ts';

/** Findings of one check, in the order of the document. */
export type Problems = string[];

export interface Place {
  readonly at: string;
  /** In a request `null` clears a property; an answer leaves the property out. */
  readonly nullClears: boolean;
}

const inRange = (bits: number, signed: boolean) => (text: string) => {
  if (!(signed ? /^-?\d+$/ : /^\d+$/).test(text)) return false;
  const value = BigInt(text);
  return signed ? BigInt.asIntN(bits, value) === value : BigInt.asUintN(bits, value) === value;
};

/** Strings in the forms of Google's type-format table; a format that is not here is not checked. */
const formats: Readonly<Record<string, (text: string) => boolean>> = {
  int64: inRange(64, true),
  uint64: inRange(64, false),
  byte: (text) => /^[\w+/-]*={0,2}$/.test(text),
  date: (text) => /^\d{4}-\d\d-\d\d$/.test(text),
  'date-time': (text) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text)),
  'google-datetime': (text) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/.test(text),
  'google-duration': (text) => /^-?\d+(\.\d{1,9})?s$/.test(text),
  'google-fieldmask': (text) => /^[\w.,*-]*$/.test(text),
};

const shown = (value: unknown): string => JSON.stringify(value)?.slice(0, 80) ?? 'nothing';

function checkText({ format, enum: allowed }: Schema, text: string, at: string, problems: Problems): void {
  if (format && formats[format]?.(text) === false) problems.push(`${at}: ${shown(text)} is no ${format}`);
  if (allowed && !allowed.includes(text)) problems.push(`${at}: ${shown(text)} is none of ${allowed.join(', ')}`);
}

function isOfType(type: string | undefined, format: string | undefined, value: unknown): boolean {
  switch (type) {
    case 'string':
      return typeof value === 'string';
    case 'boolean':
      return typeof value === 'boolean';
    case 'number':
      return typeof value === 'number';
    case 'integer':
      return typeof value === 'number' && inRange(32, format !== 'uint32')(String(value));
    case 'array':
      return Array.isArray(value);
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    default:
      return value !== undefined;
  }
}

/** Strict: a property that the schema does not name is a problem, and a 64-bit integer is a string. */
export function checkValue(api: Api, schema: Schema, value: unknown, place: Place, problems: Problems): void {
  const { at, nullClears } = place;
  if (schema.$ref !== undefined) {
    const named = api.schemas?.[schema.$ref];
    if (!named) problems.push(`${at}: the document lacks the schema ${schema.$ref}`);
    else checkValue(api, named, value, place, problems);
    return;
  }
  if (value === null && nullClears) return;
  if (!isOfType(schema.type, schema.format, value)) {
    problems.push(`${at}: ${shown(value)} is no ${schema.format ?? schema.type}`);
    return;
  }
  if (schema.type === 'string') checkText(schema, value as string, at, problems);
  if (schema.type === 'array')
    for (const [index, item] of (value as unknown[]).entries())
      checkValue(api, schema.items ?? {}, item, { at: `${at}[${index}]`, nullClears }, problems);
  if (schema.type === 'object')
    for (const [name, inner] of Object.entries(value as object)) {
      const own = Object.hasOwn(schema.properties ?? {}, name) ? schema.properties?.[name] : schema.additionalProperties;
      if (own) checkValue(api, own, inner, { at: `${at}.${name}`, nullClears }, problems);
      else problems.push(`${at}.${name}: unknown property`);
    }
}

const flags = ['true', 'false'];

function checkParameter(name: string, schema: Schema, text: string, problems: Problems): void {
  const at = `${schema.location ?? 'query'} ${name}`;
  const { type, pattern, minimum, maximum, format } = schema;
  if (type === 'boolean' && !flags.includes(text)) problems.push(`${at}: ${shown(text)} is no boolean`);
  if (type === 'integer' && !inRange(32, format !== 'uint32')(text)) problems.push(`${at}: ${shown(text)} is no integer`);
  if (minimum !== undefined && Number(text) < Number(minimum)) problems.push(`${at}: ${text} is less than ${minimum}`);
  if (maximum !== undefined && Number(text) > Number(maximum)) problems.push(`${at}: ${text} is more than ${maximum}`);
  if (pattern !== undefined && !new RegExp(pattern).test(text)) problems.push(`${at}: ${shown(text)} does not match ${pattern}`);
  if (type === 'string' || type === undefined) checkText(schema, text, at, problems);
}

/** Every parameter sent is known and well-formed, and every required one is there. */
export function checkParameters(api: Api, { method, path }: Match, sent: URLSearchParams, problems: Problems): void {
  const own = method.parameters ?? {};
  for (const [name, text] of Object.entries(path)) {
    const schema = own[name];
    if (schema) checkParameter(name, schema, text, problems);
    else problems.push(`path ${name}: unknown parameter`);
  }
  for (const name of new Set(sent.keys())) {
    const schema = own[name]?.location === 'query' ? own[name] : api.parameters?.[name];
    const values = sent.getAll(name);
    if (!schema) problems.push(`query ${name}: unknown parameter`);
    else values.forEach((text) => checkParameter(name, schema, text, problems));
    if (schema && values.length > 1 && !schema.repeated) problems.push(`query ${name}: given ${values.length} times`);
  }
  for (const [name, { required, location }] of Object.entries(own))
    if (required && location === 'query' && !sent.has(name)) problems.push(`query ${name}: required`);
}
