/** The parts of a discovery document (REST description) that the checks read. */
export interface Api {
  readonly id: string;
  readonly servicePath: string;
  readonly parameters?: Readonly<Record<string, Schema>>;
  readonly schemas?: Readonly<Record<string, Schema>>;
  readonly methods?: Readonly<Record<string, Method>>;
  readonly resources?: Readonly<Record<string, Resource>>;
}

export interface Resource {
  readonly methods?: Readonly<Record<string, Method>>;
  readonly resources?: Readonly<Record<string, Resource>>;
}

export interface Method {
  readonly id: string;
  readonly httpMethod: string;
  readonly path: string;
  readonly parameters?: Readonly<Record<string, Schema>>;
  readonly request?: { readonly $ref: string };
  readonly response?: { readonly $ref: string };
}

/** A schema, a property of one, or a parameter. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly format?: string;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minimum?: string;
  readonly maximum?: string;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly location?: 'path' | 'query';
  readonly required?: boolean;
  readonly repeated?: boolean;
}

export interface Match {
  readonly method: Method;
  /** Decoded values of the path's parameters. */
  readonly path: Readonly<Record<string, string>>;
}

export const methodsOf = ({ methods = {}, resources = {} }: Resource): Method[] => [
  ...Object.values(methods),
  ...Object.values(resources).flatMap(methodsOf),
];

const literal = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

/** `{name}` stands for one segment; `{+name}` for several, in the form that the parameter's own pattern names. */
function toPattern({ path, parameters = {} }: Method, servicePath: string): RegExp {
  const parts = `/${servicePath}${path}`.split(/(\{\+?\w+\})/).map((part) => {
    const [, plus, name = ''] = /^\{(\+?)(\w+)\}$/.exec(part) ?? [];
    if (plus === undefined) return literal(part);
    const own = parameters[name]?.pattern?.replace(/^\^/, '').replace(/\$$/, '');
    return `(?<${name}>${own && plus ? own : plus ? '.+' : '[^/]+'})`;
  });
  return new RegExp(`^${parts.join('')}$`);
}

/** The method that a request means; where two fit, the one whose path says more in so many words. */
export function methodFor(api: Api, httpMethod: string, path: string): Match | undefined {
  const [match] = methodsOf(api)
    .filter((method) => method.httpMethod === httpMethod)
    .flatMap((method) => {
      const groups = toPattern(method, api.servicePath).exec(path)?.groups;
      return groups || toPattern(method, api.servicePath).test(path) ? [{ method, groups: groups ?? {} }] : [];
    })
    .sort((a, b) => a.method.path.split('{').length - b.method.path.split('{').length);
  if (!match) return undefined;
  const decoded = Object.entries(match.groups).map(([name, value]) => [name, decodeURIComponent(value)]);
  return { method: match.method, path: Object.fromEntries(decoded) as Record<string, string> };
}
