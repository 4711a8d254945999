// Reading lists of numbers as people have them: with spaces, brackets and dashes, in columns, in other scripts. What
// cannot be read for sure is told and not guessed.

export type Wrong = 'code' | 'short' | 'long' | 'zero' | 'excel' | 'none'

export interface Read {
  /** line is the line of the list, from 1. */
  readonly line: number
  readonly given: string
  readonly number: string
}

export interface Misread {
  readonly line: number
  readonly given: string
  readonly wrong: Wrong
}

export interface Parsed {
  /** numbers are different ones, each as it stood first. */
  readonly numbers: readonly Read[]
  readonly twice: number
  /** completed are how many were given without a plus and a country code that is sure. */
  readonly completed: number
  readonly misread: readonly Misread[]
}

const MAIL = /[^\s;,<>"'|()]+@[^\s;,<>"'|()]+\.[^\s;,<>"'|()]+/
const DATE = /^(\d{4}-\d\d-\d\d|\d{1,2}[./]\d{1,2}[./]\d{4})(\D|$)/
const SHORTENED = /\d[.,]?\d*E\+\d/i
// The zeros of scripts whose digits people type, but for those that NFKC makes plain.
const ZEROS = [0x0660, 0x06f0, 0x0966]

const DIGIT = /[\d٠-٩۰-۹०-९０-９]/

// What most lists hold is not looked at twice.
const PLAIN = /^\+\d{7,15}$/

/** plain takes away what numbers are written with: only a plus, digits and what is none of a number stay. */
function plain(text: string): string {
  if (PLAIN.test(text)) return text
  const digits = text.normalize('NFKC').replace(/[٠-٩۰-۹०-९]/g, (digit) => {
    const code = digit.charCodeAt(0)
    return String(code - (ZEROS.find((zero) => code >= zero && code < zero + 10) ?? code))
  })
  const bare = digits.replace(/[\s\p{Cf}\p{Pd}−.\/'’"]/gu, '').replace(/^tel:/i, '')
  return (/^\(?(\+|00)/.test(bare) ? bare.replace('(0)', '') : bare).replace(/[()[\]]/g, '')
}

/** looksLike tells whether a field may be meant as a number. */
function looksLike(bare: string): boolean {
  return /^\+?\d{5,}$/.test(bare)
}

type Found = { readonly number: string; readonly completed: boolean } | { readonly wrong: Wrong }

function checked(digits: string, completed: boolean): Found {
  if (digits.startsWith('0')) return { wrong: 'zero' }
  if (digits.length < 7) return { wrong: 'short' }
  if (digits.length > 15) return { wrong: 'long' }
  return { number: `+${digits}`, completed }
}

/**
 * complete gives a number without a plus its country code. Without a code only Russian mobiles are sure: no country has
 * 89.
 */
function complete(digits: string, code: string): Found {
  if (code === '') {
    return /^[78]9\d{9}$/.test(digits) ? checked(`7${digits.slice(1)}`, true)
      : { wrong: digits.length < 7 ? 'short' : 'code' }
  }
  if (code === '7') {
    if (digits.length === 10) return checked(`7${digits}`, true)
    return /^[78]\d{10}$/.test(digits) ? checked(`7${digits.slice(1)}`, true)
      : { wrong: digits.length < 10 ? 'short' : 'long' }
  }
  if (digits.startsWith('0')) return checked(code + digits.slice(1), true)
  return checked(digits.startsWith(code) && digits.length > 10 ? digits : code + digits, true)
}

/** readBare reads what plain has left. code is the country code of numbers without a plus, '' where there is none. */
function readBare(bare: string, code: string): Found {
  if (bare.startsWith('+')) return checked(bare.slice(1), false)
  if (bare.startsWith('00')) return checked(bare.slice(2), false)
  return complete(bare, code)
}

/** readNumber reads one number or e-mail address. */
export function readNumber(text: string, code = ''): Found {
  const mail = text.includes('@') ? MAIL.exec(text)?.[0] : undefined
  if (mail) return { number: `email:${mail.replace(/^(email|mailto):/i, '')}`, completed: false }
  if (!DIGIT.test(text)) return { wrong: 'none' }
  const bare = plain(text)
  if (looksLike(bare) && !DATE.test(text)) return readBare(bare, code)
  return { wrong: SHORTENED.test(text) ? 'excel' : 'none' }
}

/** fieldsOf are the fields of a line: columns, or numbers one after another. */
function fieldsOf(line: string): readonly string[] {
  return line.split(/[;,\t|]/).flatMap((field) => {
    if (!/\d/.test(field) || field.includes('@')) return [field]
    const parts = field.split(/(?<=\d\s*)(?=\+)/)
    if (parts.length > 1 || !/\d\s+\d/.test(field) || plain(field).length <= 15) return parts
    const words = field.trim().split(/\s+/)
    return words.every((word) => plain(word).length >= 7 && looksLike(plain(word))) ? words : [field]
  }).map((field) => field.trim()).filter((field) => field !== '')
}

/**
 * parseList reads a list. Where a line has columns its other columns are left aside, where it has numbers alone each of
 * them counts.
 */
export function parseList(text: string, code = ''): Parsed {
  const numbers = new Map<string, Read>()
  const misread: Misread[] = []
  let twice = 0
  let completed = 0
  const add = (line: number, given: string, found: Found): void => {
    if ('wrong' in found) misread.push({ line, given, wrong: found.wrong })
    else if (numbers.has(found.number)) twice++
    else {
      numbers.set(found.number, { line, given, number: found.number })
      if (found.completed) completed++
    }
  }
  for (const [i, raw] of text.replace(/^\ufeff/, '').split(/\r\n|\r|\n|\u2028/).entries()) {
    const line = raw.trim()
    if (line === '') continue
    if (SHORTENED.test(line) && !line.includes('@')) {
      add(i + 1, line, { wrong: 'excel' })
      continue
    }
    const fields = fieldsOf(line)
    const found = fields.map((field) => readNumber(field, code))
    const none = found.filter((one) => 'wrong' in one && one.wrong === 'none').length
    if (none === 0) found.forEach((one, at) => add(i + 1, fields[at] ?? '', one))
    else if (found.some((one) => 'number' in one)) {
      const sure = found.some((one) => 'number' in one && !one.completed)
      found.forEach((one, at) => {
        if ('number' in one && !(sure && one.completed)) add(i + 1, fields[at] ?? '', one)
      })
    } else add(i + 1, line, found.find((one) => 'wrong' in one && one.wrong !== 'none') ?? { wrong: 'none' })
  }
  return { numbers: [...numbers.values()], twice, completed, misread }
}
