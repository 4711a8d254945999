/** Hatch is the pattern of what is not known; it stands once in each drawing that uses it. */
export function Hatch() {
  return (
    <pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
      <line x1="1" x2="1" y1="0" y2="6" class="hatch-line" />
    </pattern>
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
