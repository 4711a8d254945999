// What stands for an unknown figure, or a figure with more to say: the reason comes on hover, focus and touch.
import * as Ariakit from '@ariakit/react'
import type { ComponentChildren } from 'preact'

export function Why({ text, children }: { text: string; children: ComponentChildren }) {
  return (
    <Ariakit.TooltipProvider timeout={150}>
      <Ariakit.TooltipAnchor className="why" render={<span tabIndex={0} />}>{children}</Ariakit.TooltipAnchor>
      <Ariakit.Tooltip className="tip" gutter={4} portal unmountOnHide>{text}</Ariakit.Tooltip>
    </Ariakit.TooltipProvider>
  )
}
