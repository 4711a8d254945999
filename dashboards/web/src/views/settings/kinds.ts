// The lists of reference data, described for the editor: what rows have, and how the API shows and takes them.
import { w } from '../../i18n'
import { channelName, reasonName } from '../../parts/names'
import { BILLINGS, CHANNELS, CLASSES, METRICS, SENSITIVITIES, TRAFFICS } from './choices'

export type Field = keyof ReturnType<typeof w>['settings']['fields']

export interface Column {
  readonly field: Field
  /**
   * time is shown in the zone of the page; any is shown empty where it is *, which matches anything; a list is typed
   * with commas; a flag is true or false.
   */
  readonly kind: 'text' | 'any' | 'time' | 'money' | 'count' | 'choice' | 'list' | 'flag'
  readonly choices?: readonly string[]
  readonly name?: (value: string) => string
  /** rare columns are hidden while no row has them. */
  readonly rare?: boolean
  /** own columns can be changed in rows of the account's own alone. */
  readonly own?: boolean
  /** clears are fields that begin anew when this one is changed. */
  readonly clears?: readonly Field[]
  /** hint is what an empty cell says. */
  readonly hint?: 'byDefault' | 'kept'
  /** width is that of a cell, in characters. */
  readonly width: number
}

/** Values are texts as the API writes them; '' is left out. */
export type Values = Readonly<Partial<Record<string, string>>>

export interface Part {
  readonly name: string
  readonly columns: readonly Column[]
  /** keys tell one row from another. */
  readonly keys: readonly Field[]
  /** short lists become blocks of fields where they are too wide; in long ones columns are easier to follow. */
  readonly short?: boolean
  /** fixed: rows are neither added nor taken away. */
  readonly fixed?: boolean
  /** prefix is that of fields in problems, where a list has several parts. */
  readonly prefix?: string
  readonly fresh?: (last: Values | undefined, today: string) => Values
}

export type KindName = 'tariffs' | 'templates' | 'error-map' | 'number-rules' | 'alerts'

export interface Kind {
  readonly name: KindName
  readonly route: string
  readonly parts: readonly Part[]
  readonly forms: readonly ('csv' | 'json' | 'yaml')[]
  readonly setting?: 'billing_zone'
}

const VALID: readonly Column[] = [
  { field: 'valid_from', kind: 'time', width: 17 },
  { field: 'valid_to', kind: 'time', width: 17 },
]

const TARIFFS: Kind = {
  name: 'tariffs',
  route: '/v1/tariffs',
  forms: ['csv', 'json', 'yaml'],
  setting: 'billing_zone',
  parts: [
    {
      name: 'tariffs',
      keys: ['channel', 'provider', 'operator', 'country', 'traffic', 'sender', 'app', 'valid_from'],
      columns: [
        { field: 'channel', kind: 'choice', choices: CHANNELS, name: channelName, width: 13 },
        { field: 'provider', kind: 'any', width: 9 },
        { field: 'operator', kind: 'any', rare: true, width: 11 },
        { field: 'country', kind: 'any', rare: true, width: 6 },
        {
          field: 'traffic',
          kind: 'choice',
          choices: TRAFFICS,
          name: (value) => w().settings.traffics[value] ?? value,
          rare: true,
          width: 12,
        },
        { field: 'sender', kind: 'any', rare: true, width: 11 },
        { field: 'app', kind: 'any', rare: true, width: 11 },
        {
          field: 'billing',
          kind: 'choice',
          choices: BILLINGS,
          name: (value) => w().settings.billings[value] ?? value,
          width: 27,
        },
        { field: 'price', kind: 'money', width: 8 },
        { field: 'connect_price', kind: 'money', rare: true, width: 8 },
        { field: 'monthly_minimum', kind: 'money', rare: true, width: 9 },
        { field: 'currency', kind: 'text', width: 5 },
        ...VALID,
      ],
      fresh: (last, today) => ({
        provider: '*',
        operator: '*',
        country: '*',
        traffic: '*',
        sender: '*',
        app: '*',
        currency: last?.['currency'] ?? '',
        valid_from: today,
      }),
    },
  ],
}

const TEMPLATES: Kind = {
  name: 'templates',
  route: '/v1/templates',
  forms: ['csv', 'json', 'yaml'],
  parts: [
    {
      name: 'templates',
      keys: ['template', 'valid_from'],
      columns: [
        { field: 'template', kind: 'text', width: 22 },
        { field: 'sms_segments', kind: 'count', width: 8 },
        { field: 'sms_text', kind: 'text', width: 30 },
        ...VALID,
      ],
      fresh: (_, today) => ({ valid_from: today }),
    },
  ],
}

const ERROR_MAP: Kind = {
  name: 'error-map',
  route: '/v1/error-map',
  forms: ['csv', 'json', 'yaml'],
  parts: [
    {
      name: 'lines',
      keys: ['provider', 'code'],
      columns: [
        { field: 'provider', kind: 'any', own: true, width: 18 },
        { field: 'code', kind: 'text', own: true, width: 18 },
        { field: 'class', kind: 'choice', choices: CLASSES, name: reasonName, width: 30 },
      ],
      fresh: () => ({ provider: '*' }),
    },
    {
      name: 'aliases',
      keys: ['provider'],
      prefix: 'aliases.',
      columns: [
        { field: 'provider', kind: 'text', own: true, width: 18 },
        { field: 'like', kind: 'text', width: 18 },
      ],
    },
  ],
}

const NUMBER_RULES: Kind = {
  name: 'number-rules',
  route: '/v1/number-rules',
  forms: ['json'],
  parts: [
    {
      name: 'number_rules',
      keys: ['rule'],
      fixed: true,
      columns: [
        { field: 'rule', kind: 'choice', name: (value) => w().settings.rules[value] ?? value, own: true, width: 60 },
        { field: 'value', kind: 'count', width: 8 },
      ],
    },
  ],
}

const yesNo = (value: string): string => (value === 'true' ? w().settings.on : w().settings.off)

const ALERTS: Kind = {
  name: 'alerts',
  route: '/v1/alerts',
  forms: ['json'],
  parts: [
    {
      name: 'alerts',
      short: true,
      keys: ['id'],
      prefix: 'alerts.',
      columns: [
        { field: 'on', kind: 'flag', choices: ['true', 'false'], name: yesNo, width: 7 },
        {
          field: 'metric',
          kind: 'choice',
          choices: METRICS,
          name: (value) => w().settings.metrics[value] ?? value,
          width: 26,
          clears: ['by', 'min_sample', 'after_minutes', 'limit_minutes'],
        },
        { field: 'id', kind: 'text', width: 16 },
        { field: 'name', kind: 'text', rare: true, width: 18 },
        { field: 'by', kind: 'list', hint: 'byDefault', width: 16 },
        {
          field: 'sensitivity',
          kind: 'choice',
          choices: SENSITIVITIES,
          name: (value) => w().settings.sensitivities[value] ?? value,
          width: 11,
        },
        { field: 'send_to', kind: 'list', width: 8 },
        { field: 'min_sample', kind: 'count', hint: 'byDefault', width: 8 },
        { field: 'after_minutes', kind: 'count', hint: 'byDefault', width: 8 },
        { field: 'limit_minutes', kind: 'count', hint: 'byDefault', rare: true, width: 8 },
        { field: 'only.channel', kind: 'list', rare: true, width: 12 },
        { field: 'only.provider', kind: 'list', rare: true, width: 12 },
        { field: 'only.operator', kind: 'list', rare: true, width: 12 },
        { field: 'only.campaign', kind: 'list', rare: true, width: 12 },
      ],
      fresh: () => ({ on: 'true', metric: 'delivery', sensitivity: 'normal' }),
    },
    {
      name: 'webhooks',
      short: true,
      keys: ['id'],
      prefix: 'webhooks.',
      columns: [
        { field: 'id', kind: 'text', width: 13 },
        { field: 'url', kind: 'text', width: 34 },
        { field: 'secret', kind: 'text', hint: 'kept', width: 24 },
      ],
    },
  ],
}

export const KINDS: Readonly<Record<KindName, Kind>> = {
  'tariffs': TARIFFS,
  'templates': TEMPLATES,
  'error-map': ERROR_MAP,
  'number-rules': NUMBER_RULES,
  'alerts': ALERTS,
}
