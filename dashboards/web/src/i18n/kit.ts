// What words are made with: numbers and plural forms of a language.

export interface Kit {
  /** n prints a whole number. */
  readonly n: (value: number) => string
  /** plural prints a number with the form that goes with it. */
  readonly plural: (value: number, forms: Partial<Record<Intl.LDMLPluralRule, string>> & { other: string }) => string
}

export function kit(tag: string): Kit {
  const numbers = new Intl.NumberFormat(tag, { maximumFractionDigits: 0 })
  const rules = new Intl.PluralRules(tag)
  const n = (value: number): string => numbers.format(value)
  return { n, plural: (value, forms) => `${n(value)}\u00a0${forms[rules.select(value)] ?? forms.other}` }
}
