// A fault in words: the API says it in English, and the most common ones are said in the page's language.
import { w } from '../../i18n'
import type { Wrong } from './draft'
import type { Column } from './kinds'

// How the API begins what it says, and the word of the page for it. Another reason is shown as it came.
const SAID = [
  ['required', /^is required/],
  ['overlaps', /^has the same keys as row (\d+) and overlaps/],
  ['time', /^must be a time with its zone/],
  ['quarter', /quarter/],
  ['comma', /comma/],
  ['negative', /negative/],
  ['decimal', /plain decimal/],
  ['currency', /^must be an ISO 4217 code/],
  ['country', /^must be \* or an ISO 3166 code/],
  ['whole', /^must be a whole number, (\S+)…(\S+)$/],
  ['twice', /^is that of row (\d+), of the same provider/],
] as const

export type Said = (typeof SAID)[number][0]

export function Reason({ wrong, columns }: { wrong: Wrong; columns: readonly Column[] }) {
  const t = w().settings
  const column = columns.find(({ field }) => field === wrong.field)
  const head = column ? <b>{t.fields[column.field]}: </b> : null
  for (const [name, pattern] of SAID) {
    const match = pattern.exec(wrong.reason)
    if (match)
      return (
        <>
          {head}
          {t.said[name](match[1] ?? '', match[2] ?? '')}
        </>
      )
  }
  return (
    <>
      {head}
      <span lang="en">{wrong.reason}</span>
    </>
  )
}
