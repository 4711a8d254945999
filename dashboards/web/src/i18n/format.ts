// Figures as a language writes them. Amounts and rates stay decimal texts: nothing here computes.
import { computed } from '@preact/signals'
import { language } from '../state/prefs'
import { scope } from '../state/scope'

const TAGS = { en: 'en-GB', ru: 'ru-RU' } as const

/** NONE is what stands for what is not known. */
export const NONE = '–'

// NumberFormat takes decimal texts to the last digit; TypeScript knows them as a type of their own.
function decimal(text: string): Intl.StringNumericLiteral {
  return text as Intl.StringNumericLiteral
}

function formats(tag: string, tz: string) {
  const count = new Intl.NumberFormat(tag, { maximumFractionDigits: 0 })
  const percent = new Intl.NumberFormat(tag, { style: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1 })
  const signed = new Intl.NumberFormat(tag, { style: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1,
    signDisplay: 'exceptZero' })
  const whole = new Intl.NumberFormat(tag, { style: 'percent', maximumFractionDigits: 0 })
  const ratio = new Intl.NumberFormat(tag, { maximumFractionDigits: 2 })
  const monies = new Map<string, Intl.NumberFormat>()
  // Without a currency an amount is a number alone.
  const moneyFormat = (currency: string, digits: number): Intl.NumberFormat => {
    const name = `${currency} ${digits}`
    const sign = /^[A-Z]{3}$/.test(currency)
      ? { style: 'currency', currency, currencyDisplay: 'narrowSymbol' } as const : {}
    const one = monies.get(name) ?? new Intl.NumberFormat(tag, { ...sign, minimumFractionDigits: 2,
      maximumFractionDigits: digits })
    monies.set(name, one)
    return one
  }
  const day = new Intl.DateTimeFormat(tag, { timeZone: 'UTC', day: 'numeric', month: 'short', year: 'numeric' })
  const time = new Intl.DateTimeFormat(tag, { timeZone: tz, day: 'numeric', month: 'short', hour: '2-digit',
    minute: '2-digit' })
  const moment = new Intl.DateTimeFormat(tag, { timeZone: tz, day: 'numeric', month: 'short', hour: '2-digit',
    minute: '2-digit', second: '2-digit' })
  const weekday = new Intl.DateTimeFormat(tag, { timeZone: 'UTC', weekday: 'short' })
  const month = new Intl.DateTimeFormat(tag, { timeZone: 'UTC', month: 'long', year: 'numeric' })
  const unit = (name: string, digits: number): Intl.NumberFormat => new Intl.NumberFormat(tag, { style: 'unit',
    unit: name, unitDisplay: 'short', maximumFractionDigits: digits })
  const sizes = (['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const).map((name) => unit(name, 1))
  const units = { second: unit('second', 1), minute: unit('minute', 0), hour: unit('hour', 1), day: unit('day', 1) }
  return {
    count: (value: number | null | undefined): string => value == null ? NONE : count.format(value),
    rate: (value: number | null | undefined): string => value == null ? NONE : percent.format(decimal(String(value))),
    /** points prints a difference of rates: in percentage points, whose name is a word of its own. */
    points: (value: number | null | undefined): string => value == null ? NONE
      : signed.formatToParts(decimal(String(value))).filter((part) => part.type !== 'percentSign')
        .map((part) => part.value).join('').trim(),
    /** whole prints a mark of an axis. */
    whole: (value: number): string => whole.format(value),
    number: (value: number | string | null | undefined): string => value == null ? NONE
      : ratio.format(decimal(String(value))),
    money: (amount: string | null | undefined, currency: string): string =>
      amount == null ? NONE : moneyFormat(currency, 2).format(decimal(amount)),
    /** price prints an amount with all of its decimals, of which there are six at most. */
    price: (amount: string, currency: string): string => moneyFormat(currency, 6).format(decimal(amount)),
    /** duration prints seconds in the unit that fits. */
    duration: (value: number | null | undefined): string => {
      if (value == null) return NONE
      if (value < 100) return units.second.format(value)
      if (value < 100 * 60) return units.minute.format(value / 60)
      if (value < 48 * 3600) return units.hour.format(value / 3600)
      return units.day.format(value / 86_400)
    },
    /** bytes prints a size in the unit that fits. */
    bytes: (value: number): string => {
      const power = Math.min(sizes.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, value)) / 3)))
      return (sizes[power] ?? count).format(value / 1000 ** power)
    },
    /** mark prints a mark of an axis of time: 1 min rather than 60 seconds. */
    mark: (value: number): string => {
      if (value < 60) return units.second.format(value)
      if (value < 3600) return units.minute.format(value / 60)
      if (value <= 86_400) return units.hour.format(value / 3600)
      return units.day.format(value / 86_400)
    },
    date: (text: string): string => day.format(new Date(text.slice(0, 10))),
    time: (text: string): string => time.format(new Date(text)),
    /** moment prints a time to the second. */
    moment: (text: string): string => moment.format(new Date(text)),
    /** weekday prints 1 for Monday to 7. */
    weekday: (number: number): string => weekday.format(new Date(Date.UTC(2024, 0, number))),
    month: (text: string): string => month.format(new Date(text.slice(0, 7) + '-01')),
  }
}

export type Formats = ReturnType<typeof formats>

/** f are the formats of the language and the zone that are chosen. */
export const f = computed(() => formats(TAGS[language.value], scope.value.tz))
