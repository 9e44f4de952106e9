import type { Plane } from '../../shared/plane.ts';
import type { Json } from '../core/surroundings.ts';
import { canonical } from '../core/surroundings.ts';
import { matchKey } from './apply-change.ts';

export interface PathChange {
  readonly path: string;
  readonly from: Json;
  readonly to: Json;
}

const isRecord = (value: Json | undefined): value is { readonly [key: string]: Json | undefined } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function walk(path: string, from: Json | undefined, to: Json | undefined): PathChange[] {
  if (canonical(from) === canonical(to)) return [];
  if (!isRecord(from) || !isRecord(to)) return [{ path, from: from ?? null, to: to ?? null }];
  return [...new Set([...Object.keys(from), ...Object.keys(to)])].flatMap((key) => walk(`${path}.${key}`, from[key], to[key]));
}

const toJson = (value: unknown): Json => JSON.parse(JSON.stringify(value)) as Json;

type Keyed<T> = readonly (readonly [key: string, entry: T])[];

/** Entries of a list by what names them, so that one more in front does not show as everything changed. */
function walkList<T>(path: string, from: Keyed<T>, to: Keyed<T>, ordered: boolean): PathChange[] {
  const [was, is] = [new Map(from), new Map(to)];
  const keys = [...new Set([...was.keys(), ...is.keys()])];
  const changes = keys.flatMap((key) => {
    const [former, next] = [was.get(key), is.get(key)];
    return walk(`${path}[${key}]`, former === undefined ? undefined : toJson(former), next === undefined ? undefined : toJson(next));
  });
  const order = (side: Keyed<T>): string[] => side.map(([key]) => key).filter((key) => was.has(key) && is.has(key));
  const moved = ordered && order(from).join() !== order(to).join();
  return moved ? [...changes, { path: `${path} (order)`, from: order(from), to: order(to) }] : changes;
}

/** What differs between two definitions, by path; layers and agents are named by whom they are for. Pure. */
export function diffDefinitions(before: Plane, after: Plane): PathChange[] {
  const { policies: policiesBefore, agents: agentsBefore, ...specBefore } = before.spec;
  const { policies: policiesAfter, agents: agentsAfter, ...specAfter } = after.spec;
  const layers = (policies: Plane['spec']['policies']) => policies.map(({ match, spec }) => [matchKey(match), spec] as const);
  const listed = (agents: Plane['spec']['agents']) => agents.map((agent) => [agent.owner, agent] as const);
  return [
    ...walk('metadata', toJson(before.metadata), toJson(after.metadata)),
    ...walk('spec', toJson(specBefore), toJson(specAfter)),
    ...walkList('spec.policies', layers(policiesBefore), layers(policiesAfter), true),
    ...walkList('spec.agents', listed(agentsBefore), listed(agentsAfter), false),
  ];
}
