import { PlaneError } from '../core/errors.ts';
import { indexes, type Collection, type Query } from '../core/store.ts';

/** The fields a query is equal on and the one it is ordered by, ties by id; refuses a query that no store could answer. */
export function parseQuery(collection: Collection, index: string, { equals = [], limit }: Query): { equal: string[]; order: string } {
  const declared: Readonly<Record<string, readonly string[]>> = indexes[collection];
  const fields = declared[index] ?? [];
  const equal = fields.slice(0, -1);
  const order = fields.at(-1);
  const refuse = (fact: string): never => {
    throw new PlaneError('invalid', `cannot query ${collection} by ${index}: ${fact}`);
  };
  if (order === undefined) return refuse(`there is no such index; declared are ${Object.keys(declared).join(', ') || 'none'}`);
  if (equals.length !== equal.length) return refuse(`${equals.length} values are given to be equal to; it takes ${equal.length}`);
  if (!Number.isInteger(limit) || limit < 1 || limit > 500) return refuse(`limit is ${limit}; it is a whole number from 1 to 500`);
  return { equal, order };
}
