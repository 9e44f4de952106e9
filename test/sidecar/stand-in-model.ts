import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ModelCall {
  readonly authorization: string | undefined;
  readonly tools: readonly string[];
  /** Everything that reached the model, as text. */
  readonly text: string;
}

/** A tool that the model calls instead of saying something. */
export interface ToolCall {
  readonly tool: string;
  readonly args: object;
}

export interface StandInModel {
  readonly baseUrl: string;
  readonly calls: ModelCall[];
  /** Answers with this status while it is set. */
  outage: number | undefined;
  close(): Promise<void>;
}

interface Message {
  readonly role: string;
  readonly content: string | readonly { readonly text?: string }[] | null;
}

const toText = ({ content }: Message): string =>
  typeof content === 'string' ? content : (content ?? []).map(({ text }) => text ?? '').join('\n');

/** What OpenClaw itself adds, also as a message of its own after all others: no words of anybody. */
const internal = /<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>[^]*?<<<END_OPENCLAW_INTERNAL_CONTEXT>>>/g;
const toWords = (message: Message): string => toText(message).replaceAll(internal, '').trim();

/** What the model says next, as OpenAI's format has it. */
function toTurn(said: string | ToolCall, nth: number) {
  if (typeof said === 'string') return { delta: { role: 'assistant', content: said }, finish: 'stop' };
  const call = { index: 0, id: `call-${nth}`, type: 'function', function: { name: said.tool, arguments: JSON.stringify(said.args) } };
  return { delta: { role: 'assistant', content: null, tool_calls: [call] }, finish: 'tool_calls' };
}

/**
 * A model that speaks the OpenAI chat completions format and says what `reply` makes of the last words it was told. A tool's
 * answer is repeated as it came. An empty call is refused unless its key is of the model's own kind.
 */
export async function openStandInModel(reply: (said: string, all: string) => string | ToolCall): Promise<StandInModel> {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const {
        messages = [],
        tools = [],
        stream = false,
      } = JSON.parse(body || '{}') as {
        messages?: Message[];
        tools?: { function: { name: string } }[];
        stream?: boolean;
      };
      if (messages.length === 0)
        return response.writeHead(/^Bearer model-/.test(request.headers.authorization ?? '') ? 400 : 401).end('{}');
      const text = messages.map(toText).join('\n');
      model.calls.push({ authorization: request.headers.authorization, tools: tools.map((tool) => tool.function.name), text });
      if (model.outage !== undefined)
        return response.writeHead(model.outage, { 'content-type': 'application/json' }).end('{"error":{"message":"the budget is spent"}}');
      const spoken = messages.filter((message) => message.role === 'tool' || toWords(message) !== '');
      const last = spoken.at(-1);
      const lastOfUser = spoken.filter(({ role }) => role === 'user').map(toWords);
      const said = last?.role === 'tool' ? toText(last) : reply(lastOfUser.at(-1) ?? '', text);
      const { delta, finish } = toTurn(said, model.calls.length);
      const usage = { prompt_tokens: 1000, completion_tokens: 50, total_tokens: 1050 };
      const base = { id: `c${model.calls.length}`, created: 1, model: 'stand-in' };
      if (!stream) {
        const choices = [{ index: 0, message: delta, finish_reason: finish }];
        return response
          .writeHead(200, { 'content-type': 'application/json' })
          .end(JSON.stringify({ ...base, object: 'chat.completion', choices, usage }));
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const send = (choices: object[], more = {}): void =>
        void response.write(`data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', choices, ...more })}\n\n`);
      send([{ index: 0, delta, finish_reason: null }]);
      send([{ index: 0, delta: {}, finish_reason: finish }]);
      send([], { usage });
      return response.end('data: [DONE]\n\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const model: StandInModel = {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    calls: [],
    outage: undefined,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return model;
}
