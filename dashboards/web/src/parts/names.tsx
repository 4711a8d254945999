// Names as people say them, and the colour that a channel has everywhere.
import { w } from '../i18n'

/** CHANNELS are those that have a name and a colour of their own. */
export const CHANNELS = ['sms', 'push', 'viber', 'whatsapp', 'vk', 'ok', 'telegram', 'messenger', 'instagram', 'rcs', 'email',
  'flash_call', 'voice'] as const
export type Channel = (typeof CHANNELS)[number]

export function isChannel(name: string): name is Channel {
  return CHANNELS.some((one) => one === name)
}

export function channelName(channel: string): string {
  return isChannel(channel) ? w().channelNames[channel] : channel === '' ? w().dimensions.none : channel
}

/** reasonName is a reason class in words; one that is new is shown as the API names it. */
export function reasonName(reason: string): string {
  const words: Readonly<Record<string, string>> = w().reasons
  return words[reason] ?? reason
}

/** letterReason is why an event was refused, in words. */
export function letterReason(reason: string): string {
  const words: Readonly<Record<string, string>> = w().letterReasons
  return words[reason] ?? reason
}

/** unpricedReason is why a message has no price, in words. */
export function unpricedReason(reason: string, channel: string): string {
  const words: Readonly<Record<string, (channel: string) => string>> = w().savings.reasons
  return words[reason]?.(channelName(channel)) ?? reason
}

/** ChannelMark is the channel's colour beside its name. */
export function ChannelMark({ channel }: { channel: string }) {
  return (
    <span class="mark">
      <i class={isChannel(channel) ? `dot c-${channel}` : 'dot'} aria-hidden="true" /><bdi>{channelName(channel)}</bdi>
    </span>
  )
}

/** nameOf prints a name of data: one that was not given, or that is of blanks alone, is seen as such. */
export function nameOf(name: string): string {
  if (name === '') return w().dimensions.none
  return name.trim() === '' ? name.replaceAll(/\s/g, '␣') : name
}
