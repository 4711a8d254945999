// The words of the page in English, which is also what every language has to have: a word that another file lacks does
// not compile. One section for the shell, one for each view.
import { kit } from './kit'

const { n, plural } = kit('en-GB')

export const words = {
  title: 'Kaskad',
  views: {
    overview: 'Overview', channels: 'Channels', savings: 'Savings', reach: 'Reach', numbers: 'Numbers',
    campaigns: 'Campaigns', message: 'Message', quality: 'Data quality', settings: 'Settings',
    definitions: 'Definitions',
  },
  shell: {
    skip: 'Skip to content', main: 'Views', bar: 'What the figures are about', more: 'More',
    account: 'Account', allAccounts: 'All accounts', search: 'Search…', nothingFound: 'Nothing found',
    zone: 'Time zone', language: 'Language', theme: 'Theme', preferences: 'Preferences',
    themes: { system: 'As the system', light: 'Light', dark: 'Dark' },
    languages: { en: 'English', ru: 'Русский' },
    signOut: 'Sign out', addFilter: 'Filter', removeFilter: (what: string) => `Remove filter ${what}`,
    clearFilters: 'Remove all', filterBy: 'Filter by', filterValue: 'Value', apply: 'Apply', cancel: 'Cancel',
    close: 'Close', noSuchView: 'There is no such page', toOverview: 'To the overview',
  },
  period: {
    label: 'Period', today: 'Today', '7d': '7 days', '30d': '30 days', last_month: 'Last month', custom: 'Custom',
    from: 'First day', to: 'Last day', compare: 'Compare with the period before', before: 'before',
    backwards: 'The last day is before the first',
  },
  freshness: {
    fresh: (ago: string) => `Fresh · ${ago}`, late: (ago: string) => `Late · ${ago} behind`,
    none: 'No figures yet', away: 'Server does not answer', asOf: 'As of',
    explain: 'Everything that was stored before this moment is in the figures.',
  },
  login: {
    title: 'Sign in', key: 'Key', enter: 'Sign in',
    how: 'A key begins with kaskad_. An admin makes one with kaskad keys create.', wrong: 'This key is not known here, or not any more.',
    over: 'The session is over. Sign in again.', offline: 'The server does not answer. Try again.',
    tooMany: 'Too many tries. Wait a minute.',
  },
  card: {
    menu: 'Actions', table: 'Table', chart: 'Chart', csv: 'Download CSV', xlsx: 'Download XLSX',
    curl: 'Copy as curl', copied: 'Copied', definition: 'Definition',
    asOf: (time: string) => `as of ${time}`, notFinal: 'not final yet', final: 'final',
    notFinalWhy: 'Receipts of this period may still come, so these figures can move.',
    leftOut: (filters: string) => `Not filtered by: ${filters}`,
    stale: (age: string) => `Showing the answer from ${age} ago while the new one loads`, loading: 'Loading',
    previous: (value: string) => `${value} before`, perPage: 'Next rows', rows: (count: number) => plural(count, { one: 'row', other: 'rows' }),
  },
  states: {
    empty: 'No messages in this period',
    emptyHow: 'Choose a longer period, or send events to POST /v1/events or to the Kafka topic.',
    wholeYear: 'Show the last 400 days',
    failed: 'This did not load', retry: 'Try again',
    away: 'The server does not answer. What you see is the last answer.',
    forbidden: 'Your key does not show this', forbiddenHow: (scopes: string) => `It needs one of the scopes: ${scopes}.`,
    unknown: 'not known',
  },
  channelNames: {
    sms: 'SMS', push: 'Push', viber: 'Viber', whatsapp: 'WhatsApp', vk: 'VK', ok: 'OK', telegram: 'Telegram',
    messenger: 'Messenger', instagram: 'Instagram', rcs: 'RCS', email: 'E-mail', flash_call: 'Flash call',
    voice: 'Voice call',
  },
  dimensions: {
    channel: 'Channel', provider: 'Provider', campaign: 'Mailing', template: 'Template', sender: 'Sender name',
    app: 'App', operator: 'Operator', country: 'Country', traffic: 'Traffic', step: 'Step', trigger: 'Trigger',
    account: 'Account', none: 'none given',
  },
  figures: {
    attempted: 'Tried', sent: 'Sent', delivered: 'Delivered', read: 'Read', clicked: 'Clicked', replied: 'Replied',
    failed: 'Failed', pending: 'Pending', skipped: 'Skipped', openRate: 'Open rate', deliveryRate: 'Delivery rate',
    clickRate: 'Click rate', replyRate: 'Reply rate', interval: '95 % interval',
    ofDelivered: (count: number) => `of ${n(count)} delivered`, ofSent: (count: number) => `of ${n(count)} sent`,
    atLeast: 'at least', atMost: 'at most',
    bounds: {
      exact: 'The route reports every read.',
      lower: 'At least: readers can switch receipts off.',
      upper: 'At most: mail programs fetch pictures by themselves.',
      mixed: 'Some of these routes report too few reads, others too many, so the truth can be on either side.',
    },
  },
  reasons: {
    unknown_subscriber: 'no such subscriber', not_sms_capable: 'cannot receive SMS', deactivated: 'deactivated',
    invalid_format: 'not a number', absent_subscriber: 'out of reach', memory_full: 'memory full',
    handset_busy: 'phone busy', barred: 'barred', roaming: 'roaming', expired: 'expired', unknown: 'reason unknown',
    blocked_by_user: 'blocked by the person', opted_out: 'opted out', dnd: 'do not disturb',
    app_uninstalled: 'app removed', token_invalid: 'token not valid', no_mailbox: 'no such mailbox',
    mailbox_full: 'mailbox full',
  } as Readonly<Record<string, string>>,
  channels: {
    which: 'Which channel is read?',
    best: (channel: string, rate: string, den: number) => `${channel} is read most: ${rate} of ${n(den)} delivered.`,
    noReads: 'does not report reads', noDelivery: 'does not report delivery',
    noneReads: 'No channel of this period reports reads.',
    tried: 'Tried',
    funnel: 'What happened to the messages?',
    funnelWord: (delivered: string, sent: number) => `${delivered} of ${n(sent)} sent were delivered, on routes that report it.`,
    why: 'Why', code: 'Code', shareOfFailed: 'Of all failed',
    failures: 'Failed', unreported: 'sent, delivery not reported',
    when: 'When do they read?', whenWord: (day: string, hour: string, rate: string) => `Sent on ${day} at ${hour}, ${rate} were read: the best hour with enough messages.`,
    few: 'under 30 delivered', noHour: 'No hour has 30 delivered messages yet.', hour: 'Hour', weekday: 'Day',
    fast: 'How fast do they read?', fastWord: (channel: string, half: string) => `${channel} is read fastest: half of its readers within ${half}.`,
    toDeliver: 'to deliver', toRead: 'to read', toReply: 'to reply', half: 'half within', most: '90 % within',
    nearlyAll: '99 % within', noneFast: 'No reads with a known time in this period.',
    scale: 'Share of sent',
  },
  overview: {},
  savings: {},
  reach: {},
  numbers: {},
  campaigns: {},
  message: {},
  quality: {},
  settings: {},
  definitions: {
    what: 'What does each figure mean?', search: 'Search figures', formula: 'Formula', over: 'Over', unknownWhen: 'Unknown when',
    fields: 'Fields', english: 'The definitions themselves are in English, word for word as the API gives them.',
    found: (count: number) => plural(count, { one: 'figure', other: 'figures' }),
  },
}

export type Words = typeof words
