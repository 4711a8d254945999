// What the API takes where there is a choice; a test asks it.

export const CHANNELS = ['sms', 'push', 'viber', 'whatsapp', 'vk', 'ok', 'telegram', 'messenger', 'instagram', 'rcs', 'email',
  'flash_call', 'voice'] as const
export const BILLINGS = ['per_segment_sent', 'per_segment_delivered', 'per_message_sent', 'per_message_delivered',
  'attempt_plus_connect', 'per_message_refunded', 'per_message_outside_window', 'per_conversation_24h', 'zero'] as const
export const TRAFFICS = ['*', 'otp', 'transactional', 'service', 'promo'] as const
export const CLASSES = ['unknown_subscriber', 'invalid_format', 'not_sms_capable', 'deactivated', 'absent_subscriber',
  'memory_full', 'handset_busy', 'barred', 'roaming', 'expired', 'no_mailbox', 'mailbox_full', 'not_answered',
  'blocked_by_user', 'opted_out', 'dnd', 'channel_not_registered', 'app_uninstalled', 'token_invalid', 'spam_filtered',
  'content_rejected', 'sender_not_allowed', 'template_rejected', 'reputation_block', 'frequency_capped', 'window_closed',
  'network_congestion', 'system_failure', 'route_error', 'account', 'duplicate', 'cancelled', 'price_limit', 'unknown'] as const
export const METRICS = ['delivery', 'open', 'filtered', 'blocked', 'silent', 'unmapped', 'dead_letters', 'freshness'] as const
export const SENSITIVITIES = ['low', 'normal', 'high'] as const
