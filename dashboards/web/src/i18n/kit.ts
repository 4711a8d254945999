// What words are made with: numbers and plural forms of a language.

export interface Kit {
  /** n prints a whole number. */
  readonly n: (value: number) => string
  /** form is the form of a word that goes with a number. */
  readonly form: (value: number, forms: Partial<Record<Intl.LDMLPluralRule, string>> & { other: string }) => string
  /** plural prints a number with the form that goes with it. */
  readonly plural: (value: number, forms: Partial<Record<Intl.LDMLPluralRule, string>> & { other: string }) => string
}

export function kit(tag: string): Kit {
  const numbers = new Intl.NumberFormat(tag, { maximumFractionDigits: 0 })
  const rules = new Intl.PluralRules(tag)
  const n = (value: number): string => numbers.format(value)
  const form: Kit['form'] = (value, forms) => forms[rules.select(value)] ?? forms.other
  return { n, form, plural: (value, forms) => `${n(value)}\u00a0${form(value, forms)}` }
}
