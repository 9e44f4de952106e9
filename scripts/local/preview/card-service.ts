import { findCardFaults } from './card-rules.ts';

/** CardService as a recorder: each object keeps the Card v1 JSON that its calls describe. What real CardService does not have is not here either. */

type Json = Record<string, unknown>;
/** Makes the error that Apps Script would throw, in the script's own realm. */
export type ToException = (message: string) => Error;

interface Recorded {
  readonly kind: string;
  readonly json: Json;
}

type Takes =
  | 'string'
  | 'boolean'
  | 'integer'
  | 'number'
  | 'parameters'
  | { readonly kinds: readonly string[] }
  | { readonly among: readonly string[] };

interface Method {
  readonly takes: readonly Takes[];
  readonly write: (json: Json, ...values: readonly never[]) => void;
}
type Kind = Readonly<Record<string, Method>>;

const enums = {
  LoadIndicator: ['SPINNER', 'NONE'],
  TextButtonStyle: ['OUTLINED', 'FILLED', 'FILLED_TONAL', 'BORDERLESS'],
  SwitchControlType: ['SWITCH', 'CHECK_BOX'],
  SelectionInputType: ['CHECK_BOX', 'RADIO_BUTTON', 'DROPDOWN', 'SWITCH', 'MULTI_SELECT'],
  HorizontalAlignment: ['START', 'CENTER', 'END'],
  OpenAs: ['FULL_SIZE', 'OVERLAY'],
  OnClose: ['NOTHING', 'RELOAD', 'RELOAD_ADD_ON'],
} as const;

/** Which key of a Widget each kind becomes. */
const widgetKeys: Readonly<Record<string, string>> = {
  TextParagraph: 'textParagraph',
  DecoratedText: 'decoratedText',
  ButtonSet: 'buttonList',
  TextInput: 'textInput',
  SelectionInput: 'selectionInput',
  Grid: 'grid',
  Divider: 'divider',
};

const set = (key: string, takes: Takes): Method => ({ takes: [takes], write: (json, value) => void (json[key] = value) });
const push = (json: Json, key: string, value: unknown): void => {
  const list = json[key];
  json[key] = [...(Array.isArray(list) ? (list as unknown[]) : []), value];
};
const add = (key: string, ...kinds: string[]): Method => ({ takes: [{ kinds }], write: (json, value) => push(json, key, value) });
const on = (key: string, kind: string): Method => ({
  takes: [{ kinds: [kind] }],
  write: (json, value) => void (json['onClick'] = { [key]: value }),
});
const navigate = (key: string): Method => ({
  takes: [{ kinds: ['Card'] }],
  write: (json, card) => push(json, 'navigations', { [key]: card }),
});
const leave = (key: string): Method => ({ takes: [], write: (json) => push(json, 'navigations', { [key]: true }) });
const clicks = {
  setOnClickAction: on('action', 'Action'),
  setOnClickOpenLinkAction: on('openDynamicLinkAction', 'Action'),
  setOpenLink: on('openLink', 'OpenLink'),
};

const kinds: Readonly<Record<string, Kind>> = {
  Action: {
    setFunctionName: set('function', 'string'),
    setParameters: {
      takes: ['parameters'],
      write: (json, value: Json) => void (json['parameters'] = Object.entries(value).map(([key, text]) => ({ key, value: text }))),
    },
    setLoadIndicator: set('loadIndicator', { among: enums.LoadIndicator }),
    setPersistValues: set('persistValues', 'boolean'),
  },
  ActionResponseBuilder: {
    setNavigation: { takes: [{ kinds: ['Navigation'] }], write: (json, value: Json) => void Object.assign(action(json), value) },
    setNotification: { takes: [{ kinds: ['Notification'] }], write: (json, value) => void (action(json)['notification'] = value) },
    setOpenLink: { takes: [{ kinds: ['OpenLink'] }], write: (json, value) => void (action(json)['link'] = value) },
    setStateChanged: set('stateChanged', 'boolean'),
  },
  ButtonSet: { addButton: add('buttons', 'TextButton') },
  CardBuilder: {
    addSection: add('sections', 'CardSection'),
    setFixedFooter: set('fixedFooter', { kinds: ['FixedFooter'] }),
    setHeader: set('header', { kinds: ['CardHeader'] }),
    setName: set('name', 'string'),
  },
  CardHeader: { setSubtitle: set('subtitle', 'string'), setTitle: set('title', 'string') },
  CardSection: {
    addWidget: { takes: [{ kinds: Object.keys(widgetKeys) }], write: (json, value) => push(json, 'widgets', value) },
    setCollapsible: set('collapsible', 'boolean'),
    setHeader: set('header', 'string'),
    setNumUncollapsibleWidgets: set('uncollapsibleWidgetsCount', 'integer'),
  },
  DecoratedText: {
    ...clicks,
    setBottomLabel: set('bottomLabel', 'string'),
    setButton: set('button', { kinds: ['TextButton'] }),
    setStartIcon: set('startIcon', { kinds: ['IconImage'] }),
    setSwitchControl: set('switchControl', { kinds: ['Switch'] }),
    setText: set('text', 'string'),
    setTopLabel: set('topLabel', 'string'),
    setWrapText: set('wrapText', 'boolean'),
  },
  Divider: {},
  FixedFooter: {
    setPrimaryButton: set('primaryButton', { kinds: ['TextButton'] }),
    setSecondaryButton: set('secondaryButton', { kinds: ['TextButton'] }),
  },
  Grid: {
    ...clicks,
    addItem: add('items', 'GridItem'),
    setNumColumns: set('columnCount', 'integer'),
    setTitle: set('title', 'string'),
  },
  GridItem: {
    setIdentifier: set('id', 'string'),
    setSubtitle: set('subtitle', 'string'),
    setTextAlignment: set('textAlignment', { among: enums.HorizontalAlignment }),
    setTitle: set('title', 'string'),
  },
  IconImage: { setAltText: set('altText', 'string'), setMaterialIcon: set('materialIcon', { kinds: ['MaterialIcon'] }) },
  MaterialIcon: { setFill: set('fill', 'boolean'), setName: set('name', 'string'), setWeight: set('weight', 'integer') },
  Navigation: { popCard: leave('pop'), popToRoot: leave('popToRoot'), pushCard: navigate('pushCard'), updateCard: navigate('updateCard') },
  Notification: { setText: set('text', 'string') },
  OpenLink: {
    setOnClose: set('onClose', { among: enums.OnClose }),
    setOpenAs: set('openAs', { among: enums.OpenAs }),
    setUrl: set('url', 'string'),
  },
  SelectionInput: {
    addItem: {
      takes: ['string', 'string', 'boolean'],
      write: (json, text, value, selected) => push(json, 'items', { text, value, selected }),
    },
    setFieldName: set('name', 'string'),
    setOnChangeAction: set('onChangeAction', { kinds: ['Action'] }),
    setTitle: set('label', 'string'),
    setType: set('type', { among: enums.SelectionInputType }),
  },
  Switch: {
    setControlType: set('controlType', { among: enums.SwitchControlType }),
    setFieldName: set('name', 'string'),
    setOnChangeAction: set('onChangeAction', { kinds: ['Action'] }),
    setSelected: set('selected', 'boolean'),
    setValue: set('value', 'string'),
  },
  TextButton: {
    ...clicks,
    setAltText: set('altText', 'string'),
    setDisabled: set('disabled', 'boolean'),
    setText: set('text', 'string'),
    setTextButtonStyle: set('type', { among: enums.TextButtonStyle }),
  },
  TextInput: {
    setFieldName: set('name', 'string'),
    setHint: set('hintText', 'string'),
    setMultiline: { takes: ['boolean'], write: (json, value: boolean) => void (json['type'] = value ? 'MULTIPLE_LINE' : 'SINGLE_LINE') },
    setOnChangeAction: set('onChangeAction', { kinds: ['Action'] }),
    setTitle: set('label', 'string'),
    setValue: set('value', 'string'),
  },
  TextParagraph: { setText: set('text', 'string') },
};

/** Kinds that their builder makes; nothing can be set on them. */
const built: Readonly<Record<string, string>> = { CardBuilder: 'Card', ActionResponseBuilder: 'ActionResponse' };

function action(json: Json): Json {
  json['action'] ??= {};
  return json['action'] as Json;
}

export function createCardService(toException: ToException): { service: object; read: (value: unknown) => Recorded | undefined } {
  const recorded = new WeakMap<object, Recorded>();
  const read = (value: unknown) => (typeof value === 'object' && value !== null ? recorded.get(value) : undefined);

  function accept(takes: Takes, value: unknown): { json: unknown } | undefined {
    if (takes === 'integer') return Number.isInteger(value) ? { json: value } : undefined;
    if (takes === 'parameters') {
      const plain = typeof value === 'object' && value !== null && Object.values(value).every((text) => typeof text === 'string');
      return plain ? { json: value } : undefined;
    }
    if (typeof takes === 'string') return typeof value === takes ? { json: value } : undefined;
    if ('among' in takes) return takes.among.some((name) => name === value) ? { json: value } : undefined;
    const found = read(value);
    return found && takes.kinds.includes(found.kind) ? { json: found.json } : undefined;
  }

  function finish(kind: string, json: Json): object {
    if (kind === 'CardBuilder') {
      const faults = findCardFaults(json);
      if (faults.length > 0) throw toException(`Google would not show this card: ${faults.join('; ')}.`);
    }
    return keep({ printJson: () => JSON.stringify(json) }, built[kind] ?? kind, kind === 'CardBuilder' ? json : { action: {}, ...json });
  }

  function keep<T extends object>(object: T, kind: string, json: Json): T {
    recorded.set(object, { kind, json });
    return object;
  }

  function make(kind: string, methods: Kind): object {
    const json: Json = {};
    const object: Record<string, unknown> = {};
    for (const [name, { takes, write }] of Object.entries(methods)) {
      object[name] = (...values: unknown[]) => {
        const accepted = takes.map((wanted, at) => accept(wanted, values[at]));
        if (values.length !== takes.length || accepted.includes(undefined)) {
          const shown = values.map((value) => read(value)?.kind ?? typeof value).join(',');
          throw toException(`The parameters (${shown}) don't match the method signature for CardService.${kind}.${name}.`);
        }
        const jsons = accepted.map((value, at) => {
          const key = name === 'addWidget' ? widgetKeys[read(values[at])?.kind ?? ''] : undefined;
          return key === undefined ? value?.json : { [key]: value?.json };
        });
        write(json, ...(jsons as never[]));
        return object;
      };
    }
    if (kind in built) object['build'] = () => finish(kind, json);
    return keep(object, kind, json);
  }

  const service: Record<string, unknown> = {};
  for (const [kind, methods] of Object.entries(kinds)) service[`new${kind}`] = () => make(kind, methods);
  for (const [name, values] of Object.entries(enums)) service[name] = Object.fromEntries(values.map((value) => [value, value]));
  return { service, read };
}
