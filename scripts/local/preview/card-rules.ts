/** What Google refuses or silently cuts (google.apps.card.v1 and workspace-restrictions, read 2026-11-22), found before an admin does. */

type Json = Readonly<Record<string, unknown>>;

const mostWidgets = 100;
const mostSections = 100;
const mostItems = 100;

const list = (value: unknown): readonly Json[] => (Array.isArray(value) ? (value as readonly Json[]) : []);
const blank = (value: unknown): boolean => typeof value !== 'string' || value === '';
const object = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});

/** What is wrong with a finished card, a sentence each. */
export function findCardFaults(card: Json): string[] {
  const sections = list(card['sections']);
  const widgets = sections.flatMap((section) => list(section['widgets']));
  const header = card['header'];
  const footer = card['fixedFooter'];
  const names = widgets.flatMap(fieldNames);
  return [
    ...(sections.length === 0 ? ['a card needs at least one section'] : []),
    ...(sections.length > mostSections ? [`a card holds at most ${mostSections} sections, this one has ${sections.length}`] : []),
    ...(widgets.length > mostWidgets
      ? [
          `a card holds at most ${mostWidgets} widgets, this one has ${widgets.length}: the section that goes beyond and all after it would be dropped`,
        ]
      : []),
    ...sections.flatMap((section, at) => (list(section['widgets']).length === 0 ? [`section ${at + 1} has no widget`] : [])),
    ...(header !== undefined && blank(object(header)['title']) ? ['a card header needs a title'] : []),
    ...(footer === undefined ? [] : footerFaults(object(footer))),
    ...widgets.flatMap(findWidgetFaults),
    ...names.filter((name, at) => names.indexOf(name) !== at).map((name) => `two inputs share the field name ${name}`),
  ];
}

const footerFaults = (footer: Json): string[] =>
  footer['primaryButton'] === undefined
    ? ['a fixed footer needs a primary button']
    : ['primaryButton', 'secondaryButton'].flatMap((key) => (footer[key] === undefined ? [] : buttonFaults(object(footer[key]))));

function fieldNames(widget: Json): string[] {
  const inputs = [widget['textInput'], widget['selectionInput'], object(widget['decoratedText'])['switchControl']];
  return inputs.flatMap((input) => {
    const { name } = object(input);
    return typeof name === 'string' ? [name] : [];
  });
}

function findWidgetFaults(widget: Json): string[] {
  const [[kind, value] = ['', undefined]] = Object.entries(widget);
  const json = object(value);
  switch (kind) {
    case 'textParagraph':
      return blank(json['text']) ? ['a text paragraph needs text'] : [];
    case 'decoratedText':
      return decoratedFaults(json);
    case 'buttonList':
      return list(json['buttons']).length === 0 ? ['a button set needs a button'] : list(json['buttons']).flatMap(buttonFaults);
    case 'textInput':
      return [
        ...(blank(json['name']) ? ['a text input needs a field name'] : []),
        ...(blank(json['label']) && blank(json['hintText']) ? ['a text input needs a title or a hint'] : []),
      ];
    case 'selectionInput':
      return [
        ...(blank(json['name']) ? ['a selection input needs a field name'] : []),
        ...(list(json['items']).length === 0 ? ['a selection input needs an item'] : []),
        ...(list(json['items']).some((item) => blank(item['text']) || blank(item['value']))
          ? ['a selection item needs text and a value']
          : []),
        ...(list(json['items']).length > mostItems ? [`a selection input holds at most ${mostItems} items`] : []),
      ];
    case 'grid':
      return list(json['items']).length === 0 ? ['a grid needs an item'] : [];
    default:
      return [];
  }
}

function decoratedFaults(json: Json): string[] {
  const control = json['switchControl'];
  const button = json['button'];
  return [
    ...(blank(json['text']) ? ['a decorated text needs text'] : []),
    ...(['startIcon', 'topLabel', 'bottomLabel'].every((key) => json[key] === undefined)
      ? ['a decorated text needs an icon or a label']
      : []),
    ...(control !== undefined && button !== undefined ? ['a decorated text has a button or a switch, not both'] : []),
    ...(control !== undefined && blank(object(control)['name']) ? ['a switch needs a field name'] : []),
    ...(button === undefined ? [] : buttonFaults(object(button))),
  ];
}

const buttonFaults = (button: Json): string[] => [
  ...(blank(button['text']) ? ['a button needs text'] : []),
  ...(button['onClick'] === undefined ? [`the button ${JSON.stringify(button['text'])} does nothing`] : []),
];
