// Lists as files: read as text whatever program wrote it, and given back as CSV.

const MOST_BYTES = 64 * 1024 * 1024

export type Opened = { readonly text: string } | { readonly wrong: 'workbook' | 'tooLarge' | 'unreadable' }

/** openList reads a file as text. Excel writes UTF-16 where it is asked for "Unicode text". */
export async function openList(file: File): Promise<Opened> {
  if (file.size > MOST_BYTES) return { wrong: 'tooLarge' }
  let bytes: Uint8Array
  try {
    bytes = new Uint8Array(await file.arrayBuffer())
  } catch {
    return { wrong: 'unreadable' }
  }
  const [a, b] = bytes
  if ((a === 0x50 && b === 0x4b) || (a === 0xd0 && b === 0xcf)) return { wrong: 'workbook' }
  const encoding = a === 0xff && b === 0xfe ? 'utf-16le' : a === 0xfe && b === 0xff ? 'utf-16be' : 'utf-8'
  return { text: new TextDecoder(encoding).decode(bytes) }
}

/** cell quotes a text, and keeps a table program from taking what somebody wrote for a formula. */
function cell(text: string): string {
  const formula = /^[=@\t]/.test(text) || (/^[+-]/.test(text) && !/^[+-][\d\s()./-]*$/.test(text))
  return `"${(formula ? `'${text}` : text).replaceAll('"', '""')}"`
}

export function csv(rows: readonly (readonly string[])[]): string {
  return `\ufeff${rows.map((row) => row.map(cell).join(',')).join('\r\n')}\r\n`
}

/** save gives a text to the browser as a file. */
export function save(name: string, text: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([text], { type: 'text/csv;charset=utf-8' }))
  link.download = name
  link.click()
  URL.revokeObjectURL(link.href)
}
