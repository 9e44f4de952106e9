/**
 * The model of an embedded plane without any provider key: it makes an answer from what the prompt says and says in every
 * answer, to an employee, why it is none. How to connect a model is told to admins. OpenAI chat-completions shape, streaming or not.
 */
export const standInNotice =
  '(I cannot think for myself yet: your company has not connected a model to its agents. Please ask your Google Workspace admin to do so.)';

interface ChatMessage {
  readonly role: string;
  readonly content: unknown;
}

function toText(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map((part: unknown) => (typeof part === 'object' && part !== null ? String(Reflect.get(part, 'text') ?? '') : ''))
    .join('\n');
}

/** Of each text, its end: a bound on the work of one call, far above what a workspace's files make. */
const lookedAtChars = 100_000;

/** The `- key: value` lines under the heading `## Facts` of BOOTSTRAP.md, as the sidecar seeds it. */
function readFacts(prompt: string): Readonly<Record<string, string>> {
  const facts: Record<string, string> = {};
  let [within, found] = [false, false];
  for (const line of prompt.split('\n').map((text) => text.trim())) {
    if (within && line.startsWith('- ')) {
      found = true;
      const [, key, value] = /^- ([a-z ]+): ([^\n]*)$/.exec(line) ?? [];
      if (key !== undefined && value !== undefined) facts[key] = value.trim();
    } else if (line !== '') {
      if (found) break;
      within = line.endsWith('## Facts');
    }
  }
  return facts;
}

function introduce(facts: Readonly<Record<string, string>>): string {
  const { owner = 'there', name = 'your agent', company = 'your company', 'what you can do': can } = facts;
  return [
    `Hi ${owner}, I'm ${name}, your new AI agent at ${company}. Let's get connected.`,
    ...(can === undefined ? [] : [`I am here to ${can}.`]),
    'Just reply to this email to start chatting.',
    standInNotice,
  ].join('\n\n');
}

/** What OpenClaw itself adds to a conversation (seen in 2026.9.6): not words of the owner. */
const internal = { begin: '<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>', end: '<<<END_OPENCLAW_INTERNAL_CONTEXT>>>' };

/** By indexOf: a pattern would look for the end anew from each beginning, and prompts of megabytes would hold the plane up. */
function withoutInternal(text: string): string {
  const kept: string[] = [];
  let at = 0;
  for (;;) {
    const begin = text.indexOf(internal.begin, at);
    const end = begin < 0 ? -1 : text.indexOf(internal.end, begin);
    if (end < 0) return [...kept, text.slice(at)].join('');
    kept.push(text.slice(at, begin));
    at = end + internal.end.length;
  }
}

export function answerOf(messages: readonly ChatMessage[]): string {
  const system = messages.filter(({ role }) => role === 'system' || role === 'developer').map(({ content }) => toText(content));
  const said = messages.filter(({ role }) => role === 'user').map(({ content }) => withoutInternal(toText(content)).trim());
  const asked = said.findLast((text) => text !== '') ?? '';
  const wantsIntroduction = /introduc/i.test(asked);
  if (wantsIntroduction) return introduce(readFacts([system.join('\n'), asked].map((text) => text.slice(-lookedAtChars)).join('\n')));
  const echo = asked.length > 200 ? `${asked.slice(0, 200)}…` : asked;
  return `You wrote: "${echo}". ${standInNotice}`;
}

/** About four characters make a token; a figure for display only, never for money. */
const toTokens = (text: string): number => Math.ceil(text.length / 4);

/** Answers a chat-completions request; `body` is the parsed request. */
export function standIn(body: unknown, now: number): Response {
  const request = (typeof body === 'object' && body !== null ? body : {}) as { messages?: ChatMessage[]; stream?: boolean };
  const messages = Array.isArray(request.messages) ? request.messages : [];
  const text = answerOf(messages);
  const prompt = toTokens(messages.map(({ content }) => toText(content)).join('\n'));
  const completion = toTokens(text);
  const usage = { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
  const base = { id: `chatcmpl-${now}`, created: Math.floor(now / 1000), model: 'stand-in' };
  if (!request.stream) {
    const choices = [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }];
    return Response.json({ ...base, object: 'chat.completion', choices, usage });
  }
  const chunk = (part: object) => `data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', ...part })}\n\n`;
  const lines = [
    chunk({ choices: [{ index: 0, delta: { role: 'assistant', content: text }, finish_reason: null }] }),
    chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }),
    chunk({ choices: [], usage }),
    'data: [DONE]\n\n',
  ];
  return new Response(lines.join(''), { headers: { 'content-type': 'text/event-stream' } });
}
