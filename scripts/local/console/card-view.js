import { freshId, h } from './dom.js';
import { cardIcon, icon } from './icons.js';
import { plainText, richText } from './rich-text.js';

/** Draws Card v1 JSON. `act` gets the action of whatever was used; `back` is there when a card lies below. */
export function cardView(card, { act, back }) {
  return h(
    'article',
    { class: 'card', tabindex: '-1', 'aria-label': card.header?.title ?? 'Card' },
    h(
      'header',
      { class: 'card-header' },
      back && h('button', { class: 'icon-button', 'aria-label': 'Back', onclick: back }, icon('arrow_back')),
      card.header && h('div', {}, h('h2', {}, card.header.title), card.header.subtitle && h('p', { class: 'quiet' }, card.header.subtitle)),
    ),
    h(
      'div',
      { class: 'card-body' },
      (card.sections ?? []).map((section) => sectionView(section, act)),
    ),
    card.fixedFooter &&
      h(
        'footer',
        { class: 'card-footer' },
        card.fixedFooter.secondaryButton && buttonView({ type: 'BORDERLESS', ...card.fixedFooter.secondaryButton }, act),
        buttonView({ type: 'FILLED', ...card.fixedFooter.primaryButton }, act),
      ),
  );
}

/** Form values of a card, as Apps Script's events carry them: what is off or unselected is absent. */
export function formInputs(host) {
  const inputs = {};
  for (const control of host.querySelectorAll('[name]')) {
    if ((control.type === 'checkbox' || control.type === 'radio') && !control.checked) continue;
    inputs[control.name] ??= { stringInputs: { value: [] } };
    inputs[control.name].stringInputs.value.push(control.value);
  }
  return inputs;
}

function sectionView({ header, collapsible, uncollapsibleWidgetsCount = 0, widgets }, act) {
  const drawn = widgets.map((widget) => widgetView(widget, act));
  const always = collapsible ? drawn.slice(0, uncollapsibleWidgetsCount) : drawn;
  const rest = h('div', { hidden: true, id: freshId('more') }, collapsible ? drawn.slice(uncollapsibleWidgetsCount) : []);
  const toggle =
    collapsible &&
    h(
      'button',
      {
        class: 'icon-button toggle',
        'aria-expanded': 'false',
        'aria-controls': rest.id,
        'aria-label': header ?? 'More',
        onclick: () => {
          rest.hidden = !rest.hidden;
          toggle.setAttribute('aria-expanded', String(!rest.hidden));
        },
      },
      icon('expand_more'),
    );
  return h(
    'section',
    { class: 'card-section' },
    (header || toggle) &&
      h('div', { class: 'section-head' }, h('h3', toggle ? { class: 'opens', onclick: () => toggle.click() } : {}, header ?? ''), toggle),
    always,
    collapsible && rest,
  );
}

function widgetView(widget, act) {
  const [[kind, json] = []] = Object.entries(widget);
  return h('div', { class: `widget widget-${kind}` }, (views[kind] ?? unknownView)(json, act));
}

const unknownView = () => h('p', { class: 'quiet' }, 'This part of the card cannot be shown here.');

const views = {
  textParagraph: ({ text }) => h('p', {}, richText(text)),
  divider: () => h('hr'),
  buttonList: ({ buttons }, act) => buttons.map((button) => buttonView(button, act)),
  image: ({ altText }) => h('p', { class: 'quiet' }, altText ?? 'Picture'),
  decoratedText: decoratedView,
  textInput: textInputView,
  selectionInput: selectionView,
  grid: ({ title, columnCount, items, onClick }, act) => [
    title && h('p', {}, title),
    h(
      'ul',
      { class: `grid columns-${columnCount}` },
      items.map((item) => {
        const words = [h('span', { class: 'grid-title' }, item.title), h('span', { class: 'quiet' }, item.subtitle ?? '')];
        const click = onClick && (() => run(onClick, act, [{ key: 'grid_item_identifier', value: item.id }]));
        return h('li', {}, click ? h('button', { class: 'grid-item', onclick: click }, words) : h('span', { class: 'grid-item' }, words));
      }),
    ),
  ],
};

function decoratedView({ startIcon, topLabel, text, bottomLabel, wrapText, button, switchControl, onClick }, act) {
  const id = freshId('text');
  const content = [
    startIcon && h('span', { class: 'start-icon' }, cardIcon(startIcon)),
    h(
      'span',
      { class: `texts${wrapText ? ' wrap' : ''}` },
      topLabel && h('span', { class: 'label top' }, topLabel),
      h('span', { class: 'main', id }, richText(text)),
      bottomLabel && h('span', { class: 'label bottom' }, bottomLabel),
    ),
  ];
  if (onClick) return h('button', { class: 'row clickable', onclick: () => run(onClick, act) }, content, icon('chevron_right'));
  if (switchControl) return h('label', { class: 'row' }, content, switchView(switchControl, plainText(text), act));
  return h('div', { class: 'row' }, content, button && buttonView(button, act));
}

const switchView = ({ name, value, selected, controlType, onChangeAction }, label, act) =>
  h('input', {
    type: 'checkbox',
    class: controlType === 'CHECK_BOX' ? 'checkbox' : 'switch',
    role: controlType === 'CHECK_BOX' ? undefined : 'switch',
    'aria-label': label,
    name,
    value,
    checked: selected,
    onchange: () => onChangeAction && act(onChangeAction),
  });

function textInputView({ name, label, hintText, value, type, onChangeAction }, act) {
  const id = freshId('input');
  return h(
    'div',
    { class: 'field' },
    h('label', { for: id }, label ?? hintText),
    h(type === 'MULTIPLE_LINE' ? 'textarea' : 'input', {
      id,
      name,
      placeholder: label ? hintText : undefined,
      autocomplete: 'off',
      value: value ?? '',
      onchange: () => onChangeAction && act(onChangeAction),
      onkeydown: (event) => event.key === 'Enter' && buttonAfter(event.target)?.click(),
    }),
  );
}

function selectionView({ name, label, type, items, onChangeAction }, act) {
  const onchange = () => onChangeAction && act(onChangeAction);
  if (type === 'DROPDOWN') {
    const id = freshId('select');
    const options = items.map((item) => h('option', { value: item.value, selected: item.selected }, item.text));
    return h('div', { class: 'field' }, h('label', { for: id }, label), h('select', { id, name, onchange }, options));
  }
  const kind = type === 'RADIO_BUTTON' ? 'radio' : 'checkbox';
  return h(
    'fieldset',
    {},
    h('legend', {}, label),
    items.map((item) =>
      h('label', { class: 'choice' }, h('input', { type: kind, name, value: item.value, checked: item.selected, onchange }), item.text),
    ),
  );
}

const looks = { FILLED: 'filled', FILLED_TONAL: 'tonal', OUTLINED: 'outlined', BORDERLESS: 'text' };

const buttonView = ({ text, type, disabled, altText, onClick }, act) =>
  h(
    'button',
    { class: `button ${looks[type] ?? 'text'}`, disabled, title: altText, 'aria-label': altText, onclick: () => run(onClick, act) },
    text,
  );

function run({ action, openDynamicLinkAction, openLink }, act, extra = []) {
  const asked = action ?? openDynamicLinkAction;
  if (openLink) window.open(openLink.url, '_blank', 'noreferrer');
  else if (asked) act({ ...asked, parameters: [...(asked.parameters ?? []), ...extra] });
}

/** The first button below a field, in its own section. */
function buttonAfter(field) {
  const buttons = [...field.closest('.card-section').querySelectorAll('.button')];
  return buttons.find((button) => field.compareDocumentPosition(button) & field.DOCUMENT_POSITION_FOLLOWING);
}
