import { answerOf, standIn, standInNotice } from '../../functions/model/stand-in.ts';

const bootstrap = `# Your first task

## Facts

- owner: Alice
- name: Ada
- company: Acme
- what you can do: answer questions; keep notes

# Another file
- owner: Mallory
`;
const introduction = { role: 'user', content: 'Introduce yourself.' };
const [begin, end] = ['<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>', '<<<END_OPENCLAW_INTERNAL_CONTEXT>>>'];
const hostileChars = 5_000_000;

describe('the stand-in model', () => {
  it('introduces the agent from the facts of its first task', () => {
    const text = answerOf([{ role: 'system', content: bootstrap }, introduction]);
    expect(text).toContain("Hi Alice, I'm Ada, your new AI agent at Acme.");
    expect(text).toContain('I am here to answer questions; keep notes.');
    expect(text).toContain(standInNotice);
  });

  it('tells an employee who can help, and nothing that only an engineer understands', () => {
    expect(standInNotice).toContain('ask your Google Workspace admin');
    expect(standInNotice).not.toMatch(/[A-Z]{2,}_|API|stand-in|plane/);
    expect(answerOf([introduction])).not.toContain('nothing');
  });

  it('finds facts in parts, behind other files, and under the first heading that has any', () => {
    const content = [{ text: 'word '.repeat(50_000) }, { text: '## Facts\n\nnone\n' }, { text: bootstrap.replaceAll('- ', '  - ') }];
    expect(answerOf([{ role: 'developer', content }, introduction])).toContain("Hi Alice, I'm Ada");
  });

  it('introduces itself without facts too', () => {
    expect(answerOf([introduction])).toContain("Hi there, I'm your agent, your new AI agent at your company.");
  });

  it('answers what the owner said last, without what OpenClaw added', () => {
    const said = (content: string) => answerOf([{ role: 'user', content }]);
    expect(said(`${begin}a${end} Hello ${begin}b${end}there`)).toBe(`You wrote: "Hello there". ${standInNotice}`);
    expect(said(`Hello ${begin} there`)).toBe(`You wrote: "Hello ${begin} there". ${standInNotice}`);
    expect(said(`Hello ${end} there`)).toBe(`You wrote: "Hello ${end} there". ${standInNotice}`);
    expect(said('x'.repeat(201))).toContain(`"${'x'.repeat(200)}…"`);
    const messages = ['Hello', `${begin}c${end}`].map((content) => ({ role: 'user', content }));
    expect(answerOf(messages)).toContain('You wrote: "Hello".');
  });

  // A quadratic reading of any of these outlasts jest's limit by hours.
  it.each([
    ['line feeds under the heading', `## Facts${'\n'.repeat(hostileChars)}`],
    ['blanks under the heading', `## Facts\n- a: b\n${' '.repeat(hostileChars)}x`],
    ['headings alone', '## Facts\n'.repeat(hostileChars / 9)],
    ['blocks that begin and never end', begin.repeat(hostileChars / begin.length)],
  ])('reads 5 MB once: %s', (_name, hostile) => {
    for (const role of ['system', 'user']) {
      expect(
        answerOf([
          { role: 'user', content: 'introduction' },
          { role, content: `${hostile} introduce` },
        ]),
      ).toContain(standInNotice);
    }
  });

  it('answers whole or in a stream, with the usage a client counts', async () => {
    const messages = [{ role: 'user', content: 'Hello' }];
    expect(await standIn({ messages }, 1_000).json()).toMatchObject({ created: 1, usage: { prompt_tokens: 2 } });
    const lines = (await standIn({ messages, stream: true }, 1_000).text()).trim().split('\n\n');
    expect(lines).toHaveLength(4);
    expect(lines.at(-1)).toBe('data: [DONE]');
  });
});
