// Choose one of many. From a dozen on there is a field to search in.
import * as Ariakit from '@ariakit/react'
import { useMemo, useState } from 'preact/hooks'
import { w } from '../i18n'
import { Icon, type IconName } from './icons'

export interface Option {
  readonly value: string
  readonly label: string
}

const SEARCH_FROM = 12
// More are found by typing: a list of 100 000 mailings is no list.
const MOST_SHOWN = 200

export function Picker({ label, value, options, onPick, icon, quiet = true, onSeek, waiting = false }: {
  label: string
  value: string
  options: readonly Option[]
  onPick: (value: string) => void
  icon?: IconName
  quiet?: boolean
  /** onSeek is told what is typed, where there are more options than are known here; waiting: some are on their way. */
  onSeek?: (text: string) => void
  waiting?: boolean
}) {
  const [sought, seek] = useState('')
  const searched = options.length >= SEARCH_FROM || onSeek !== undefined
  const found = useMemo(() => {
    const text = sought.trim().toLocaleLowerCase()
    return options.filter((one) => one.label.toLocaleLowerCase().includes(text)).slice(0, MOST_SHOWN)
  }, [options, sought])
  const chosen = options.find((one) => one.value === value)?.label ?? value
  const select = (
    <Ariakit.SelectProvider value={value} setValue={(to: string) => onPick(to)}>
      <Ariakit.Select className={quiet ? 'button quiet' : 'button'} aria-label={`${label}: ${chosen}`} title={label}>
        {icon ? <Icon name={icon} /> : null}
        <span class="chosen"><bdi>{chosen}</bdi></span>
        <Icon name="down" />
      </Ariakit.Select>
      <Ariakit.SelectPopover className="pop" gutter={4} portal unmountOnHide aria-label={label}>
        {searched ? <Ariakit.Combobox className="field" placeholder={w().shell.search} autoSelect /> : null}
        {searched
          ? (
            <Ariakit.ComboboxList className="list">
              {found.map((one) => (
                <Ariakit.ComboboxItem key={one.value} className="item" focusOnHover
                  render={<Ariakit.SelectItem value={one.value} />}>
                  <bdi>{one.label}</bdi>
                </Ariakit.ComboboxItem>
              ))}
            </Ariakit.ComboboxList>
          )
          : found.map((one) => (
            <Ariakit.SelectItem key={one.value} className="item" value={one.value}><bdi>{one.label}</bdi></Ariakit.SelectItem>
          ))}
        {found.length === 0 ? <p class="muted pad">{waiting ? w().card.loading : w().shell.nothingFound}</p> : null}
      </Ariakit.SelectPopover>
    </Ariakit.SelectProvider>
  )
  if (!searched) return select
  return <Ariakit.ComboboxProvider resetValueOnHide setValue={(text: string) => {
    seek(text)
    onSeek?.(text)
  }}>{select}</Ariakit.ComboboxProvider>
}
