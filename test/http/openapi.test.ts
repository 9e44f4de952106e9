import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { contract, type ContractRow, type Operation } from '../../shared/contract.ts';
import { toYaml } from '../../functions/http/openapi-door.ts';
import { examples } from '../../functions/http/openapi-examples.ts';
import { toOpenApi } from '../../functions/http/openapi.ts';

const operations = Object.keys(contract) as Operation[];
const text = readFileSync(join(__dirname, '../../manifests/openapi.yaml'), 'utf8');

describe('manifests/openapi.yaml', () => {
  it('is what the contract says (npm run openapi writes it)', () => {
    expect(text === toYaml(operations)).toBe(true);
  });

  it('has every row, with its own name, and the problems it may answer', () => {
    const paths = toOpenApi(operations)['paths'] as Record<string, Record<string, { operationId: string; responses: object }>>;
    for (const operation of operations) {
      const { path, method, status }: ContractRow = contract[operation];
      const described = paths[path]?.[method];
      expect(described?.operationId).toBe(operation);
      expect(Object.keys(described?.responses ?? {})).toEqual(expect.arrayContaining([String(status), '400', '401', '403', '429']));
    }
  });

  it('shows examples that the contract accepts', () => {
    for (const [operation, { body, answer }] of Object.entries(examples)) {
      const row: ContractRow = contract[operation as Operation];
      if (body !== undefined) expect({ operation, error: row.body?.safeParse(body).error }).toEqual({ operation, error: undefined });
      if (answer !== undefined) expect({ operation, error: row.answer.safeParse(answer).error }).toEqual({ operation, error: undefined });
    }
  });

  it('holds before a linter', () => {
    // In a process of its own: the linter comes as ES modules alone.
    const program = `
      import { createConfig, lintFromString } from '@redocly/openapi-core';
      import { readFileSync } from 'node:fs';
      const config = await createConfig({ extends: ['recommended'] });
      const found = await lintFromString({ source: readFileSync(0, 'utf8'), config });
      console.log(JSON.stringify(found.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer])));`;
    const cwd = join(__dirname, '../..');
    const found = execFileSync(process.execPath, ['--input-type=module', '-e', program], { cwd, input: text, encoding: 'utf8' });
    expect(JSON.parse(found)).toEqual([]);
  });
});
