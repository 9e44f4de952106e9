import { updateUser } from './api.js';
import { draw, freshId, h } from './dom.js';
import { agentFields, ago, askRefresh, when } from './people.js';

/** The fields of the custom schema that admins fill in. Blank means: as policy says. */
const requests = [
  {
    name: 'agentEnabled',
    label: 'Agent enabled',
    options: [
      ['', 'As policy says'],
      ['true', 'Yes'],
      ['false', 'No'],
    ],
  },
  { name: 'modelTier', label: 'Model tier', help: 'haiku, sonnet or opus', suggestions: ['haiku', 'sonnet', 'opus'] },
  { name: 'budgetCap', label: 'Budget cap', help: 'Whole US dollars a month', mode: 'numeric' },
  { name: 'toolAllowlist', label: 'Tools', help: 'Comma-separated: calendar, crm, email, exec, github, ssh' },
  { name: 'channelRestrictions', label: 'Channels', help: 'Comma-separated: email, googlechat, slack, telegram, whatsapp' },
];

const textOf = (value) => (value === undefined || value === null ? '' : String(value));

function toValue(name, text) {
  if (text === '') return null;
  return name === 'agentEnabled' ? text === 'true' : text;
}

function controlFor({ name, options, suggestions, mode }, id, helpId, onchange) {
  if (options) {
    return {
      parts: [
        h(
          'select',
          { id, name, onchange },
          options.map(([value, label]) => h('option', { value }, label)),
        ),
      ],
    };
  }
  const listId = suggestions && freshId('list');
  return {
    parts: [
      h('input', {
        id,
        name,
        list: listId,
        inputmode: mode,
        placeholder: 'As policy says',
        autocomplete: 'off',
        'aria-describedby': helpId,
        oninput: onchange,
      }),
      suggestions &&
        h(
          'datalist',
          { id: listId },
          suggestions.map((value) => h('option', { value })),
        ),
    ],
  };
}

/** The card "OpenClaw Agent" of a user's page. What is being typed is never overwritten by the live refresh. */
export function createAgentForm(id, tell) {
  const saved = {};
  const controls = {};
  const published = h('dl', { class: 'facts' });
  const changed = () => requests.filter(({ name }) => controls[name].value.trim() !== saved[name]);

  const save = h('button', { class: 'button filled', type: 'submit', disabled: true }, 'Save');
  const discard = h('button', { class: 'button text', type: 'button', disabled: true, onclick: reset }, 'Discard');
  const mark = () => {
    const clean = changed().length === 0;
    save.disabled = clean;
    discard.disabled = clean;
  };

  function reset() {
    for (const { name } of requests) controls[name].value = saved[name];
    mark();
  }

  async function submit(event) {
    event.preventDefault();
    const values = Object.fromEntries(changed().map(({ name }) => [name, toValue(name, controls[name].value.trim())]));
    if (Object.keys(values).length === 0) return;
    if (values.budgetCap && !/^\d+$/.test(values.budgetCap)) {
      tell('The budget cap is a whole number of US dollars, such as 50.');
      controls.budgetCap.focus();
      return;
    }
    save.disabled = true;
    try {
      await updateUser(id, { customSchemas: { OpenClaw_Agent: values } });
      for (const name of Object.keys(values)) saved[name] = controls[name].value.trim();
      tell('Saved. The agent follows in a moment.');
    } catch (error) {
      tell(error.message);
    }
    mark();
    askRefresh();
  }

  const fields = requests.map((request) => {
    const controlId = freshId(request.name);
    const helpId = request.help && `${controlId}-help`;
    const { parts } = controlFor(request, controlId, helpId, mark);
    controls[request.name] = parts[0];
    saved[request.name] = '';
    return h(
      'div',
      { class: 'field' },
      h('label', { for: controlId }, request.label),
      parts,
      request.help && h('span', { class: 'help', id: helpId }, request.help),
    );
  });

  const heading = freshId('heading');
  const element = h(
    'section',
    { class: 'sheet', 'aria-labelledby': heading },
    h('div', { class: 'sheet-head' }, h('h2', { id: heading }, 'OpenClaw Agent')),
    h(
      'form',
      { class: 'agent-form', onsubmit: (event) => void submit(event), novalidate: true },
      h('div', { class: 'fields' }, fields),
      h('div', { class: 'form-buttons' }, discard, save),
    ),
    h('h3', {}, 'Published by Agents Plane'),
    published,
  );

  return {
    element,
    show: (user) => {
      const values = agentFields(user);
      for (const { name } of requests) {
        const text = textOf(values[name]);
        if (controls[name].value.trim() === saved[name] && controls[name] !== document.activeElement) controls[name].value = text;
        saved[name] = text;
      }
      mark();
      const { agentId, agentStatus, lastHeartbeat } = values;
      const heartbeat = lastHeartbeat ? `${ago(lastHeartbeat)} (${when(lastHeartbeat)})` : 'None yet';
      draw(published, { agentId, agentStatus, heartbeat }, () => [
        h('dt', {}, 'Agent id'),
        h('dd', {}, agentId ?? 'None'),
        h('dt', {}, 'Agent status'),
        h('dd', {}, agentStatus ?? 'No agent'),
        h('dt', {}, 'Last heartbeat'),
        h('dd', {}, heartbeat),
      ]);
    },
  };
}
