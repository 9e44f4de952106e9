import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ModelCall {
  readonly authorization: string | undefined;
  readonly tools: readonly string[];
  /** Everything that reached the model, as text. */
  readonly text: string;
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

/** A model that speaks the OpenAI chat completions format and says what `reply` makes of the last words it was told. */
export async function openStandInModel(reply: (said: string, all: string) => string): Promise<StandInModel> {
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
      const text = messages.map(toText).join('\n');
      model.calls.push({ authorization: request.headers.authorization, tools: tools.map((tool) => tool.function.name), text });
      if (model.outage !== undefined)
        return response.writeHead(model.outage, { 'content-type': 'application/json' }).end('{"error":{"message":"the budget is spent"}}');
      const content = reply(
        messages
          .filter(({ role }) => role === 'user')
          .map(toText)
          .at(-1) ?? '',
        text,
      );
      const usage = { prompt_tokens: 1000, completion_tokens: 50, total_tokens: 1050 };
      const base = { id: `c${model.calls.length}`, created: 1, model: 'stand-in' };
      if (!stream) {
        const choices = [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }];
        return response
          .writeHead(200, { 'content-type': 'application/json' })
          .end(JSON.stringify({ ...base, object: 'chat.completion', choices, usage }));
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const send = (choices: object[], more = {}): void =>
        void response.write(`data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', choices, ...more })}\n\n`);
      send([{ index: 0, delta: { role: 'assistant', content }, finish_reason: null }]);
      send([{ index: 0, delta: {}, finish_reason: 'stop' }]);
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
