/** Hatch is the pattern of what is not known; it stands once in each drawing that uses it. */
export function Hatch() {
  return (
    <pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
      <line x1="1" x2="1" y1="0" y2="6" class="hatch-line" />
    </pattern>
  )
}

/** OpenKey is what a legend says of it. */
export function OpenKey({ tone }: { tone: string }) {
  return (
    <svg viewBox="0 0 14 14">
      <defs><Open /></defs>
      <rect width="14" height="14" rx="3" class={tone} />
      <rect width="14" height="14" class="open" />
    </svg>
  )
}

/** Open is the pattern of what is not final: it cuts stripes, step apart, out of what lies below it. */
export function Open({ step = 8 }: { step?: number }) {
  return (
    <pattern id="open" width={step} height={step} patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
      <line x1="2" x2="2" y1="0" y2={step} class="open-line" />
    </pattern>
  )
}
