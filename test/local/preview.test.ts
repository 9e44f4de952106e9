import { bundleAddon } from '../../scripts/build-addon.ts';
import { createPreview, type PreviewOptions } from '../../scripts/local/preview/preview.ts';
import { eventOf, textOf, working } from '../appsscript/sandbox.ts';

const open: { close: () => Promise<void> }[] = [];
function preview(options: Partial<PreviewOptions>) {
  const created = createPreview({
    code: '',
    fetch: () => Promise.reject(new Error('no fetch expected')),
    identityToken: (email) => `token of ${email}`,
    properties: { backendUrl: 'https://plane.acme.test', planeId: 'acme' },
    ...options,
  });
  open.push(created);
  return created;
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

/** Runs any script body; one worker serves all of these, since starting one takes its time. */
let anything: ReturnType<typeof createPreview>;
beforeAll(() => {
  anything = createPreview({
    code: `function onAction(event) { return eval('(() => { ' + event.body + ' })()'); }`,
    fetch: () => Promise.reject(new Error('no fetch expected')),
    identityToken: (email) => `token of ${email}`,
    properties: {},
  });
});
afterAll(async () => {
  await anything.close();
});
const run = (body: string) => anything.run({ functionName: 'onAction', event: { body }, user: 'admin@acme.test' });

const card = (widgets: string, more = '') =>
  `return CardService.newCardBuilder().addSection(CardService.newCardSection()${widgets})${more}.build()`;
const paragraph = `.addWidget(CardService.newTextParagraph().setText('x'))`;

describe('the add-on in the preview', () => {
  let code: string;
  beforeAll(async () => {
    code = await bundleAddon();
  });

  const connected = () => {
    const asked: { url: string; method: string; authorization: string | undefined }[] = [];
    const answer = working();
    const shown = preview({
      code,
      fetch: async (url, { method, headers, body }) => {
        asked.push({ url, method, authorization: headers['Authorization'] });
        const { status, body: text } = answer({
          url,
          method: method.toLowerCase(),
          headers,
          ...(body === undefined ? {} : { payload: body }),
        });
        return { status, headers: {}, body: text };
      },
    });
    return { shown, asked };
  };

  it('draws the home card from the plane, as the signed-in person', async () => {
    const { shown, asked } = connected();
    const answer = await shown.run({ functionName: 'onHomepage', event: {}, user: 'viewer@acme.test' });
    expect(answer).toMatchObject({ result: { action: { navigations: [{ pushCard: { header: { title: 'Overview' } } }] } } });
    expect(asked).toHaveLength(8);
    expect(asked.every(({ authorization }) => authorization === 'Bearer token of viewer@acme.test')).toBe(true);
  });

  it('runs a click and gives navigation, notification and state', async () => {
    const { shown } = connected();
    const event = eventOf('switchAgent', { user: '1007' }, { enabled: 'on' });
    const answer = await shown.run({ functionName: 'onAction', event, user: 'admin@acme.test' });
    expect(answer).toMatchObject({
      result: { stateChanged: true, action: { navigations: [{ updateCard: { header: { title: 'Person 7' } } }], notification: {} } },
    });
  });

  it('runs many clicks at once, each answered with its own', async () => {
    const { shown } = connected();
    const answers = await Promise.all(
      ['onHomepage', 'onAction', 'onHomepage'].map((functionName) =>
        shown.run({ functionName, event: eventOf('openUser', { user: '1007' }), user: 'admin@acme.test' }),
      ),
    );
    expect(answers.map((answer) => textOf(answer).includes('Find a person'))).toEqual([true, false, true]);
  });

  it('shows a card when the plane cannot be reached', async () => {
    const shown = preview({ code, fetch: () => Promise.reject(new Error('refused')) });
    const answer = await shown.run({ functionName: 'onHomepage', event: {}, user: 'admin@acme.test' });
    expect(textOf(answer)).toContain('Agents Plane cannot be reached');
  });
});

describe('the preview is as strict as Google', () => {
  it.each(['fetch', 'setTimeout', 'URL', 'TextEncoder', 'process', 'Buffer', 'require', 'structuredClone', 'GmailApp'])(
    'has no %s',
    async (name) => {
      expect(await run(`return ${name};`)).toEqual({ error: `${name} is not defined` });
    },
  );

  it.each([
    ['a widget that CardService lacks', `return CardService.newSparkline()`, 'CardService.newSparkline is not a function'],
    ['a setter that is not there', `return CardService.newTextButton().setColour('red')`, 'setColour is not a function'],
    [
      'a value of the wrong type',
      `return CardService.newTextParagraph().setText(undefined)`,
      "don't match the method signature for CardService.TextParagraph.setText",
    ],
    ['an unbuilt card', `return CardService.newCardBuilder()`, 'has a type that cannot be used'],
    ['an empty section', card(''), 'section 1 has no widget'],
    ['a card without sections', `return CardService.newCardBuilder().build()`, 'at least one section'],
    ['101 widgets', card(paragraph.repeat(101)), 'at most 100 widgets, this one has 101'],
    ['a footer without a button', card(paragraph, '.setFixedFooter(CardService.newFixedFooter())'), 'needs a primary button'],
    ['a header without a title', card(paragraph, '.setHeader(CardService.newCardHeader())'), 'header needs a title'],
    ['a text input without a title', card(`.addWidget(CardService.newTextInput().setFieldName('x'))`), 'needs a title or a hint'],
    [
      'an action that no function answers',
      card(
        `.addWidget(CardService.newButtonSet().addButton(CardService.newTextButton().setText('x').setOnClickAction(CardService.newAction().setFunctionName('gone'))))`,
      ),
      'Script function not found: gone',
    ],
    ['a thrown error', `throw new Error('boom')`, 'boom'],
    ['an unknown fetch option', `return UrlFetchApp.fetchAll([{ url: 'https://x.test/', timeout: 5 }])`, 'invalid value: timeout'],
  ])('refuses %s', async (_name, body, words) => {
    expect(await run(body)).toEqual({ error: expect.stringContaining(words) as string });
  });

  it('accepts exactly 100 widgets', async () => {
    expect(await run(card(paragraph.repeat(100)))).toHaveProperty('result');
  });

  it.each(['eval', 'constructor', 'gone', 'onAction();process'])(
    'calls no function that the bundle does not declare: %s',
    async (functionName) => {
      const shown = preview({ code: `function onAction() {}` });
      expect(await shown.run({ functionName, event: 'process.exit()', user: 'admin@acme.test' })).toEqual({
        error: `Script function not found: ${functionName}`,
      });
    },
  );

  it('gives every execution a fresh global scope', async () => {
    const shown = preview({ code: `let count = 0; function onAction() { count += 1; ${card(paragraph, '.setName(String(count))')}; }` });
    const names = [
      await shown.run({ functionName: 'onAction', event: {}, user: 'a' }),
      await shown.run({ functionName: 'onAction', event: {}, user: 'a' }),
    ];
    expect(names).toMatchObject([1, 2].map(() => ({ result: { action: { navigations: [{ pushCard: { name: '1' } }] } } })));
  });

  it.each([
    ['a loop', `for (;;);`],
    ['a backend that never answers', `UrlFetchApp.fetch('https://slow.test/')`],
  ])('stops %s at the time limit, and works again afterwards', async (_name, body) => {
    const shown = preview({
      code: `function slow() { ${body} } function onAction() { ${card(paragraph)} }`,
      fetch: () => new Promise(() => {}),
      limitMs: 1_500,
    });
    expect(await shown.run({ functionName: 'slow', event: {}, user: 'a' })).toEqual({ error: 'Exceeded maximum execution time' });
    expect(await shown.run({ functionName: 'onAction', event: {}, user: 'a' })).toHaveProperty('result');
  });

  it('answers what is under way when it is closed', async () => {
    const shown = preview({ code: `function slow() { for (;;); }` });
    const answer = shown.run({ functionName: 'slow', event: {}, user: 'a' });
    setTimeout(() => void shown.close(), 100);
    expect(await answer).toEqual({ error: 'The preview is closed.' });
  });
});
