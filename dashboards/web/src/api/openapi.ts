// Made from the OpenAPI document by `make page-types`; not to be edited.

export interface components {
    schemas: {
        readonly DeleteKeysById: {
            readonly id: string;
            readonly revoked_at: string;
        };
        readonly DeleteNumbersByNumber: {
            readonly account: string;
            readonly hash: string;
            readonly at: string;
            readonly done_at: null | string;
            readonly rows: {
                readonly [key: string]: number;
            };
            readonly detail?: string;
        };
        readonly DeleteNumbersByNumberOverride: {
            readonly detail?: string;
            readonly account: string;
            readonly number: string;
            /** @enum {string} */
            readonly state: "active" | "dead" | "quarantined" | "revived" | "suspect" | "unknown";
            /** Format: date-time */
            readonly since: string | null;
            /** @enum {string} */
            readonly rule: "" | "deactivated" | "hard" | "invalid_format" | "override" | "soft";
            readonly reasons: {
                readonly [key: string]: number;
            };
            /** Format: date-time */
            readonly last_delivered_at: string | null;
            /** Format: date-time */
            readonly last_failed_at: string | null;
            /** Format: int64 */
            readonly failed_mailings: number;
            /** Format: int64 */
            readonly failed_days: number;
            readonly wasted_cost: string | null;
            readonly currency: string;
            /** Format: int64 */
            readonly rule_version: number;
            /** Format: date-time */
            readonly first_failed_at: string | null;
            readonly possible_reassignment: boolean;
            readonly operator: string;
            readonly ported: boolean | null;
            readonly valid: boolean | null;
            /** Format: date-time */
            readonly owner_changed_at: string | null;
            /** Format: int64 */
            readonly guessed: number;
            readonly reachable_on: readonly {
                readonly channel: string;
                /** Format: date-time */
                readonly last_delivered_at: string;
            }[];
            readonly opt_outs: readonly {
                readonly channel: string;
                readonly app: string;
                readonly sender: string;
                readonly kind: string;
                /** Format: date-time */
                readonly since: string;
            }[];
            readonly override: {
                /** @enum {string} */
                readonly state: "active" | "dead" | "quarantined";
                readonly why: string;
                /** Format: date-time */
                readonly at: string;
                readonly by: string;
            } | null;
            /** Format: int64 */
            readonly tariff_version: number;
            /** Format: date-time */
            readonly as_of: string | null;
            /** Format: double */
            readonly lag_seconds: number | null;
        };
        readonly Get: {
            readonly name: string;
            readonly version?: string;
            readonly try: readonly string[];
        };
        readonly GetAlerts: {
            readonly account: string | null;
            /** Format: int64 */
            readonly version: number;
            /** Format: date-time */
            readonly at: string | null;
            readonly alerts: readonly {
                readonly id: string;
                readonly name: string;
                /** @enum {string} */
                readonly metric: "delivery" | "open" | "filtered" | "blocked" | "silent" | "unmapped" | "cost_per_reached" | "dead_letters" | "freshness";
                readonly by: readonly ("channel" | "provider" | "operator" | "campaign")[];
                readonly only: {
                    readonly channel?: readonly string[];
                    readonly provider?: readonly string[];
                    readonly operator?: readonly string[];
                    readonly campaign?: readonly string[];
                };
                /** @enum {string} */
                readonly sensitivity: "low" | "normal" | "high";
                readonly min_sample: number;
                readonly after_minutes: number;
                readonly limit_minutes: number;
                readonly send_to: readonly string[];
                readonly on: boolean;
            }[];
            readonly webhooks: readonly {
                readonly id: string;
                readonly url: string;
                readonly secret_id: string;
                readonly anywhere: boolean;
            }[];
        };
        readonly GetAlertsEvents: {
            readonly rows: readonly components["schemas"]["GetAlertsEventsRow"][];
            readonly next_cursor: string | null;
        };
        readonly GetAlertsEventsRow: {
            readonly id: string;
            readonly account: string;
            readonly rule: string;
            /** @enum {string} */
            readonly metric: "delivery" | "open" | "filtered" | "blocked" | "silent" | "unmapped" | "cost_per_reached" | "dead_letters" | "freshness";
            readonly channel: string | null;
            readonly provider: string | null;
            readonly operator: string | null;
            readonly campaign: string | null;
            /** Format: double */
            readonly before: number | null;
            /** Format: double */
            readonly now: number | null;
            /** Format: double */
            readonly low: number | null;
            /** Format: double */
            readonly high: number | null;
            /** Format: int64 */
            readonly num: number | null;
            /** Format: int64 */
            readonly den: number | null;
            /** Format: int64 */
            readonly hours: number;
            /** Format: date-time */
            readonly since: string;
            /** Format: date-time */
            readonly until: string | null;
            /** @enum {string|null} */
            readonly ended: "recovered" | "too_little" | "new_level" | "rule_changed" | null;
            readonly currency: string | null;
            readonly cost: string | null;
            readonly cost_before: string | null;
            readonly cost_now: string | null;
            readonly cost_low: string | null;
            readonly cost_high: string | null;
        };
        readonly GetAlertsVersions: {
            readonly account: string;
            readonly rows: readonly components["schemas"]["GetAlertsVersionsRow"][];
            readonly next_cursor: string | null;
        };
        readonly GetAlertsVersionsRow: {
            /** Format: int64 */
            readonly version: number;
            /** Format: date-time */
            readonly at: string;
            readonly by: string;
            /** Format: int64 */
            readonly rows: number;
            readonly note: string;
            readonly why: string;
        };
        readonly GetAudienceBlocked: {
            /** Format: date-time */
            readonly as_of: string | null;
            /** Format: double */
            readonly lag_seconds: number | null;
            readonly rows: readonly components["schemas"]["GetAudienceBlockedRow"][];
            readonly next_cursor: string | null;
        };
        readonly GetAudienceBlockedRow: {
            readonly account: string;
            readonly recipient: string;
            readonly contact: string;
            /** @enum {string} */
            readonly channel: "sms" | "push" | "viber" | "whatsapp" | "vk" | "ok" | "telegram" | "messenger" | "instagram" | "rcs" | "email" | "flash_call" | "voice";
            readonly app: string;
            /** Format: date-time */
            readonly since: string;
        };
        readonly GetAudienceComplained: {
            /** Format: date-time */
            readonly as_of: string | null;
            /** Format: double */
            readonly lag_seconds: number | null;
            readonly rows: readonly components["schemas"]["GetAudienceComplainedRow"][];
            readonly next_cursor: string | null;
        };
        readonly GetAudienceComplainedRow: {
            readonly account: string;
            readonly recipient: string;
            readonly contact: string;
            /** @enum {string} */
            readonly channel: "sms" | "push" | "viber" | "whatsapp" | "vk" | "ok" | "telegram" | "messenger" | "instagram" | "rcs" | "email" | "flash_call" | "voice";
            readonly app: string;
            /** Format: date-time */
            readonly since: string;
        };
        readonly GetAudienceSubscribed: {
            /** Format: date-time */
            readonly as_of: string | null;
            /** Format: double */
            readonly lag_seconds: number | null;
            readonly rows: readonly components["schemas"]["GetAudienceSubscribedRow"][];
            readonly next_cursor: string | null;
        };
        readonly GetAudienceSubscribedRow: {
            readonly account: string;
            readonly recipient: string;
            readonly contact: string;
            /** @enum {string} */
            readonly channel: "sms" | "push" | "viber" | "whatsapp" | "vk" | "ok" | "telegram" | "messenger" | "instagram" | "rcs" | "email" | "flash_call" | "voice";
            readonly app: string;
            /** Format: date-time */
            readonly since: string;
        };
        readonly GetAudienceUninstalled: {
            /** Format: date-time */
            readonly as_of: string | null;
            /** Format: double */
            readonly lag_seconds: number | null;
            readonly rows: readonly components["schemas"]["GetAudienceUninstalledRow"][];
            readonly next_cursor: string | null;
        };
        readonly GetAudienceUninstalledRow: {
            readonly account: string;
            readonly recipient: string;
            readonly contact: string;
            /** @enum {string} */
            readonly channel: "sms" | "push" | "viber" | "whatsapp" | "vk" | "ok" | "telegram" | "messenger" | "instagram" | "rcs" | "email" | "flash_call" | "voice";
            readonly app: string;
            /** Format: date-time */
            readonly since: string;
        };
        readonly GetAudienceUnsubscribed: {
            /** Format: date-time */
            readonly as_of: string | null;
            /** Format: double */
            readonly lag_seconds: number | null;
            readonly rows: readonly components["schemas"]["GetAudienceUnsubscribedRow"][];
            readonly next_cursor: string | null;
        };
        readonly GetAudienceUnsubscribedRow: {
            readonly account: string;
            readonly recipient: string;
            readonly contact: string;
            /** @enum {string} */
            readonly channel: "sms" | "push" | "viber" | "whatsapp" | "vk" | "ok" | "telegram" | "messenger" | "instagram" | "rcs" | "email" | "flash_call" | "voice";
            readonly app: string;
            /** Format: date-time */
            readonly since: string;
        };
        readonly GetAudit: {
            readonly rows: readonly components["schemas"]["GetAuditRow"][];
            readonly next_cursor: string | null;
        };
        readonly GetAuditRow: {
            /** Format: date-time */
            readonly at: string;
            readonly account: string;
            readonly key_id: string;
            readonly by: string;
            readonly method: string;
            readonly route: string;
            readonly about: string;
            readonly address: string;
        };
        readonly GetDefinitions: {
            readonly attempt: string;
            readonly cohort: string;
            readonly as_of: string;
            readonly rounding: string;
            readonly mature: string;
            readonly derived: {
                readonly [key: string]: string;
            };
            readonly metrics: readonly {
                readonly name: string;
                readonly kind: string;
                readonly fields: readonly string[];
                readonly formula: string;
                readonly numerator?: string;
                readonly denominator?: string;
                readonly over: string;
                readonly null: string;
                readonly bound?: string;
            }[];
            readonly keys: {
                readonly [key: string]: string;
            };
            readonly money: {
                readonly amounts: string;
                readonly sms_segments: string;
                readonly tariffs: {
                    readonly [key: string]: string;
                };
                readonly billings: readonly {
                    /** @enum {string} */
                    readonly name: "per_segment_sent" | "per_segment_delivered" | "per_message_sent" | "per_message_delivered" | "attempt_plus_connect" | "per_message_refunded" | "per_message_outside_window" | "per_conversation_24h" | "zero";
                    readonly units: string;
                    readonly cost: string;
                    readonly channels: string;
                }[];
                readonly terms: {
                    readonly [key: string]: string;
                };
                readonly savings: readonly {
                    readonly name: string;
                    readonly formula: string;
                    readonly over?: string;
                    readonly null: string;
                }[];
                readonly savings_keys: {
                    readonly [key: string]: string;
                };
                readonly forecast: readonly {
                    readonly name: string;
                    readonly formula: string;
                    readonly over?: string;
                    readonly null: string;
                }[];
                readonly from_history: readonly {
                    readonly name: string;
                    readonly formula: string;
                    readonly over?: string;
                    readonly null: string;
                }[];
                readonly break_even: readonly {
                    readonly name: string;
                    readonly formula: string;
                    readonly over?: string;
                    readonly null: string;
                }[];
                readonly group_by: {
                    readonly [key: string]: readonly string[];
                };
                readonly segment_waste?: readonly {
                    readonly name: string;
                    readonly formula: string;
                    readonly over?: string;
                    readonly null: string;
                }[];
                readonly spend?: readonly {
                    readonly name: string;
                    readonly formula: string;
                    readonly over?: string;
                    readonly null: string;
                }[];
            };
            readonly numbers: {
                readonly evidence: string;
                readonly failure: string;
                readonly success: string;
                readonly mailing: string;
                readonly class: string;
                readonly streak: string;
                readonly classes: readonly {
                    readonly name: string;
                    readonly scope: string;
                    readonly permanence: string;
                    readonly weight: string;
                    readonly email_weight: string;
                }[];
                readonly defaults: {
                    readonly hard_mailings: number;
                    readonly hard_hours: number;
                    readonly soft_mailings: number;
                    readonly soft_days: number;
                    readonly quiet_days: number;
                    readonly revived_days: number;
                    readonly evidence_days: number;
                };
                readonly states: {
                    readonly [key: string]: string;
                };
                readonly fields: readonly {
                    readonly name: string;
                    readonly formula: string;
                    readonly over?: string;
                    readonly null: string;
                }[];
                readonly changes: string;
                readonly opt_outs: string;
                readonly lost: string;
                readonly selection_bias: string;
                readonly best_channel: readonly {
                    readonly name: string;
                    readonly formula: string;
                    readonly over?: string;
                    readonly null: string;
                }[];
                readonly audience: readonly {
                    readonly name: string;
                    readonly formula: string;
                    readonly over?: string;
                    readonly null: string;
                }[];
                readonly group_by: {
                    readonly [key: string]: readonly string[];
                };
                readonly dead_spend?: readonly {
                    readonly name: string;
                    readonly formula: string;
                    readonly over?: string;
                    readonly null: string;
                }[];
                readonly failures?: readonly {
                    readonly name: string;
                    readonly formula: string;
                    readonly over?: string;
                    readonly null: string;
                }[];
                readonly penetration?: readonly {
                    readonly name: string;
                    readonly formula: string;
                    readonly over?: string;
                    readonly null: string;
                }[];
            };
            readonly curves: {
                readonly group_by: {
                    readonly [key: string]: readonly string[];
                };
                readonly compare?: readonly {
                    readonly name: string;
                    readonly formula: string;
                    readonly over?: string;
                    readonly null: string;
                }[];
                readonly groups?: readonly {
                    readonly name: string;
                    readonly formula: string;
                    readonly over?: string;
                    readonly null: string;
                }[];
                readonly latency?: readonly {
                    readonly name: string;
                    readonly formula: string;
                    readonly over?: string;
                    readonly null: string;
                }[];
            };
            readonly balance: string;
            readonly group_by: readonly string[];
            readonly routes: readonly {
                readonly account: string;
                readonly channel: string;
                readonly provider: string;
                readonly delivery: boolean;
                readonly reads: boolean;
                readonly bound: null | string;
                readonly settling_days: number;
            }[];
        };
        readonly GetErasures: {
            readonly rows: readonly components["schemas"]["GetErasuresRow"][];
            readonly next_cursor: string | null;
        };
        readonly GetErasuresRow: {
            readonly account: string;
            readonly hash: string;
            /** Format: date-time */
            readonly at: string;
            /** Format: date-time */
            readonly done_at: string | null;
            readonly by: string;
        };
        readonly GetErrorMap: {
            readonly account: string | null;
            /** Format: int64 */
            readonly version: number;
            /** Format: date-time */
            readonly at: string | null;
            readonly lines: readonly {
                readonly provider: string;
                readonly code: string;
                readonly class: string;
                readonly origin?: string;
            }[];
            readonly aliases: readonly {
                readonly provider: string;
                readonly like: string;
                readonly origin?: string;
            }[];
        };
        readonly GetErrorMapUnmapped: {
            /** @enum {string} */
            readonly report: "unmapped";
            /** Format: date-time */
            readonly from: string;
            /** Format: date-time */
            readonly to: string;
            readonly tz: string;
            /** Format: date-time */
            readonly as_of: string | null;
            /** Format: double */
            readonly lag_seconds: number | null;
            readonly rows: readonly components["schemas"]["GetErrorMapUnmappedRow"][];
            readonly next_cursor: string | null;
        };
        readonly GetErrorMapUnmappedRow: {
            readonly provider: string;
            readonly error_code: string;
            readonly channel: string;
            readonly guess: string | null;
            /** Format: int64 */
            readonly count: number;
        };
        readonly GetErrorMapVersions: {
            readonly account: string;
            readonly rows: readonly components["schemas"]["GetErrorMapVersionsRow"][];
            readonly next_cursor: string | null;
        };
        readonly GetErrorMapVersionsRow: {
            /** Format: int64 */
            readonly version: number;
            /** Format: date-time */
            readonly at: string;
            readonly by: string;
            /** Format: int64 */
            readonly rows: number;
            readonly note: string;
            readonly why: string;
        };
        readonly GetForecastsBreakEven: {
            readonly channel_price: string;
            readonly sms_price: string;
            readonly currency: string | null;
            /** Format: int64 */
            readonly segments: number | null;
            /** Format: double */
            readonly ratio: number | null;
        };
        readonly GetHealthz: {
            /** @enum {string} */
            readonly status: "ok";
        };
        readonly GetKeys: {
            readonly rows: readonly components["schemas"]["GetKeysRow"][];
            readonly next_cursor: string | null;
        };
        readonly GetKeysRow: {
            readonly id: string;
            readonly account: string | null;
            readonly scopes: readonly ("analyst" | "marketer" | "crm" | "ingest" | "admin")[];
            readonly note: string;
            /** Format: date-time */
            readonly made_at: string;
            readonly made_by: string;
            /** Format: date-time */
            readonly expires_at: string | null;
            /** Format: date-time */
            readonly revoked_at: string | null;
            /** Format: date-time */
            readonly last_used_at: string | null;
        };
        readonly GetMessages: {
            /** Format: date-time */
            readonly as_of: string | null;
            /** Format: double */
            readonly lag_seconds: number | null;
            /** Format: int64 */
            readonly tariff_version: number;
            readonly rows: readonly components["schemas"]["GetMessagesRow"][];
            readonly next_cursor: string | null;
        };
        readonly GetMessagesById: {
            readonly message_id: string;
            readonly account: string;
            readonly cohort: null | string;
            readonly as_of: string;
            readonly delivered: boolean;
            readonly read: boolean;
            readonly steps: readonly {
                readonly step: number;
                readonly channel: string;
                readonly provider: string;
                readonly recipient: string;
                readonly contact: string;
                readonly country: string;
                readonly campaign: string;
                readonly template: string;
                readonly sender: string;
                readonly app: string;
                readonly operator: string;
                readonly traffic: string;
                readonly trigger: string;
                readonly attempted: boolean;
                readonly machine_opened: boolean;
                readonly bounced: boolean;
                readonly not_billed: boolean;
                readonly sent: boolean;
                readonly delivered: boolean;
                readonly read: boolean;
                readonly clicked: boolean;
                readonly replied: boolean;
                readonly failed: boolean;
                readonly pending: boolean;
                readonly skipped: boolean;
                readonly skewed: boolean;
                readonly start: null | string;
                readonly delivered_at: null | string;
                readonly read_at: null | string;
                readonly time_to_deliver: null | number;
                readonly time_to_read: null | number;
                readonly time_to_reply: null | number;
                readonly times: {
                    readonly [key: string]: string;
                };
                readonly parts: null | {
                    readonly parts: number;
                    readonly delivered: readonly number[];
                    readonly failed: readonly number[];
                };
                readonly segments: number;
                readonly sms_segments: number;
                readonly error_code: string;
                readonly reason: string;
                readonly permanent: boolean;
                readonly reported_prices: readonly {
                    readonly currency: string;
                    readonly price: string;
                }[];
                readonly units: null | number;
                readonly cost: null | string;
                readonly currency: string;
                readonly tariff: null | {
                    readonly channel: string;
                    readonly provider: string;
                    readonly operator: string;
                    readonly country: string;
                    readonly traffic: string;
                    readonly sender: string;
                    readonly app: string;
                    /** Format: date-time */
                    readonly valid_from: string;
                    /** Format: date-time */
                    readonly valid_to: null | string;
                    readonly currency: string;
                    /** @enum {string} */
                    readonly billing: "per_segment_sent" | "per_segment_delivered" | "per_message_sent" | "per_message_delivered" | "attempt_plus_connect" | "per_message_refunded" | "per_message_outside_window" | "per_conversation_24h" | "zero";
                    readonly price: string;
                    readonly connect_price: null | string;
                    readonly monthly_minimum: null | string;
                };
                readonly unpriced_reason: string;
            }[];
            readonly timeline: readonly {
                readonly at: string;
                readonly step: number;
                readonly channel: string;
                readonly status: string;
            }[];
            readonly parked: readonly {
                readonly step: number;
                readonly status: string;
                readonly occurred_at: string;
                readonly channel: string;
                readonly provider: string;
                readonly parked_at: string;
            }[];
        };
        readonly GetMessagesRow: {
            readonly account: string;
            readonly message_id: string;
            /** Format: date-time */
            readonly submitted_at: string;
            readonly recipient: string;
            readonly contact: string;
            readonly campaign: string;
            readonly template: string;
            readonly path: string;
            /** @enum {string} */
            readonly state: "replied" | "read" | "delivered" | "failed" | "pending" | "skipped";
            readonly reached_by: string;
            /** Format: date-time */
            readonly sent_at: string | null;
            /** Format: date-time */
            readonly delivered_at: string | null;
            /** Format: date-time */
            readonly read_at: string | null;
            /** Format: date-time */
            readonly replied_at: string | null;
            /** Format: date-time */
            readonly failed_at: string | null;
            readonly reason: string;
            readonly error_code: string;
            readonly cost: string | null;
            readonly currency: string;
            readonly unpriced_reason: string;
        };
        readonly GetNumberRules: {
            readonly account: string | null;
            /** Format: int64 */
            readonly version: number;
            /** Format: date-time */
            readonly at: string | null;
            readonly number_rules: {
                readonly hard_mailings: number;
                readonly hard_hours: number;
                readonly soft_mailings: number;
                readonly soft_days: number;
                readonly quiet_days: number;
                readonly revived_days: number;
                readonly evidence_days: number;
            };
        };
        readonly GetNumberRulesVersions: {
            readonly account: string;
            readonly rows: readonly components["schemas"]["GetNumberRulesVersionsRow"][];
            readonly next_cursor: string | null;
        };
        readonly GetNumberRulesVersionsRow: {
            /** Format: int64 */
            readonly version: number;
            /** Format: date-time */
            readonly at: string;
            readonly by: string;
            /** Format: int64 */
            readonly rows: number;
            readonly note: string;
            readonly why: string;
        };
        readonly GetNumbersBestChannel: {
            /** @enum {string} */
            readonly report: "best-channel";
            /** Format: date-time */
            readonly from: string;
            /** Format: date-time */
            readonly to: string;
            readonly tz: string;
            /** Format: date-time */
            readonly as_of: string | null;
            /** Format: double */
            readonly lag_seconds: number | null;
            /** Format: int64 */
            readonly tariff_version: number;
            readonly rows: readonly components["schemas"]["GetNumbersBestChannelRow"][];
            readonly next_cursor: string | null;
        };
        readonly GetNumbersBestChannelCounts: {
            /** @enum {string} */
            readonly report: "best-channel";
            /** Format: date-time */
            readonly from: string;
            /** Format: date-time */
            readonly to: string;
            readonly tz: string;
            /** Format: date-time */
            readonly as_of: string | null;
            /** Format: double */
            readonly lag_seconds: number | null;
            /** Format: int64 */
            readonly tariff_version: number;
            readonly rows: readonly components["schemas"]["GetNumbersBestChannelCountsRow"][];
            readonly next_cursor: string | null;
        };
        readonly GetNumbersBestChannelCountsRow: {
            /** @enum {string} */
            readonly channel: "sms" | "push" | "viber" | "whatsapp" | "vk" | "ok" | "telegram" | "messenger" | "instagram" | "rcs" | "email" | "flash_call" | "voice";
            /** @enum {string} */
            readonly evidence: "read" | "delivered";
            /** Format: int64 */
            readonly people: number;
            /** Format: int64 */
            readonly unpriced: number;
        };
        readonly GetNumbersBestChannelRow: {
            readonly account: string;
            readonly contact: string;
            /** @enum {string} */
            readonly channel: "sms" | "push" | "viber" | "whatsapp" | "vk" | "ok" | "telegram" | "messenger" | "instagram" | "rcs" | "email" | "flash_call" | "voice";
            readonly recipient: string;
            /** @enum {string} */
            readonly evidence: "read" | "delivered";
            readonly cost: string | null;
            readonly currency: string;
        };
        readonly GetNumbersByNumber: {
            readonly detail?: string;
            readonly account: string;
            readonly number: string;
            /** @enum {string} */
            readonly state: "active" | "dead" | "quarantined" | "revived" | "suspect" | "unknown";
            /** Format: date-time */
            readonly since: string | null;
            /** @enum {string} */
            readonly rule: "" | "deactivated" | "hard" | "invalid_format" | "override" | "soft";
            readonly reasons: {
                readonly [key: string]: number;
            };
            /** Format: date-time */
            readonly last_delivered_at: string | null;
            /** Format: date-time */
            readonly last_failed_at: string | null;
            /** Format: int64 */
            readonly failed_mailings: number;
            /** Format: int64 */
            readonly failed_days: number;
            readonly wasted_cost: string | null;
            readonly currency: string;
            /** Format: int64 */
            readonly rule_version: number;
            /** Format: date-time */
            readonly first_failed_at: string | null;
            readonly possible_reassignment: boolean;
            readonly operator: string;
            readonly ported: boolean | null;
            readonly valid: boolean | null;
            /** Format: date-time */
            readonly owner_changed_at: string | null;
            /** Format: int64 */
            readonly guessed: number;
            readonly reachable_on: readonly {
                readonly channel: string;
                /** Format: date-time */
                readonly last_delivered_at: string;
            }[];
            readonly opt_outs: readonly {
                readonly channel: string;
                readonly app: string;
                readonly sender: string;
                readonly kind: string;
                /** Format: date-time */
                readonly since: string;
            }[];
            readonly override: {
                /** @enum {string} */
                readonly state: "active" | "dead" | "quarantined";
                readonly why: string;
                /** Format: date-time */
                readonly at: string;
                readonly by: string;
            } | null;
            /** Format: int64 */
            readonly tariff_version: number;
            /** Format: date-time */
            readonly as_of: string | null;
            /** Format: double */
            readonly lag_seconds: number | null;
        };
        readonly GetNumbersByNumberMessages: {
            /** Format: date-time */
            readonly as_of: string | null;
            /** Format: double */
            readonly lag_seconds: number | null;
            /** Format: int64 */
            readonly tariff_version: number;
            readonly rows: readonly components["schemas"]["GetNumbersByNumberMessagesRow"][];
            readonly next_cursor: string | null;
        };
        readonly GetNumbersByNumberMessagesRow: {
            readonly account: string;
            readonly message_id: string;
            /** Format: date-time */
            readonly submitted_at: string;
            readonly recipient: string;
            readonly contact: string;
            readonly campaign: string;
            readonly template: string;
            readonly path: string;
            /** @enum {string} */
            readonly state: "replied" | "read" | "delivered" | "failed" | "pending" | "skipped";
            readonly reached_by: string;
            /** Format: date-time */
            readonly sent_at: string | null;
            /** Format: date-time */
            readonly delivered_at: string | null;
            /** Format: date-time */
            readonly read_at: string | null;
            /** Format: date-time */
            readonly replied_at: string | null;
            /** Format: date-time */
            readonly failed_at: string | null;
            readonly reason: string;
            readonly error_code: string;
            readonly cost: string | null;
            readonly currency: string;
            readonly unpriced_reason: string;
        };
        readonly GetNumbersChanges: {
            /** Format: date-time */
            readonly as_of: string | null;
            /** Format: double */
            readonly lag_seconds: number | null;
            readonly rows: readonly components["schemas"]["GetNumbersChangesRow"][];
            readonly next_cursor: string | null;
        };
        readonly GetNumbersChangesRow: {
            readonly account: string;
            readonly number: string;
            /** @enum {string} */
            readonly from: "active" | "dead" | "quarantined" | "revived" | "suspect" | "unknown";
            /** @enum {string} */
            readonly to: "active" | "dead" | "quarantined" | "revived" | "suspect" | "unknown";
            /** Format: date-time */
            readonly at: string | null;
            readonly rule: string;
            /** Format: date-time */
            readonly seen_at: string | null;
            /** Format: int64 */
            readonly seq: number;
        };
        readonly GetNumbersCounts: {
            /** Format: date-time */
            readonly as_of: string | null;
            /** Format: double */
            readonly lag_seconds: number | null;
            readonly rows: readonly components["schemas"]["GetNumbersCountsRow"][];
            readonly next_cursor: string | null;
        };
        readonly GetNumbersCountsRow: {
            /** @enum {string} */
            readonly kind: "phone" | "email";
            /** @enum {string} */
            readonly state: "active" | "dead" | "quarantined" | "revived" | "suspect" | "unknown";
            /** @enum {string} */
            readonly rule: "" | "deactivated" | "hard" | "invalid_format" | "override" | "soft";
            /** Format: int64 */
            readonly numbers: number;
        };
        readonly GetNumbersDead: {
            /** Format: date-time */
            readonly as_of: string | null;
            /** Format: double */
            readonly lag_seconds: number | null;
            /** Format: int64 */
            readonly tariff_version: number;
            readonly rows: readonly components["schemas"]["GetNumbersDeadRow"][];
            readonly next_cursor: string | null;
        };
        readonly GetNumbersDeadRow: {
            readonly account: string;
            readonly number: string;
            /** Format: date-time */
            readonly since: string | null;
            /** @enum {string} */
            readonly rule: "" | "deactivated" | "hard" | "invalid_format" | "override" | "soft";
            readonly reasons: {
                readonly [key: string]: number;
            };
            /** Format: date-time */
            readonly last_delivered_at: string | null;
            /** Format: date-time */
            readonly last_failed_at: string | null;
            /** Format: int64 */
            readonly failed_mailings: number;
            /** Format: int64 */
            readonly failed_days: number;
            readonly wasted_cost: string | null;
            readonly currency: string;
            /** Format: int64 */
            readonly rule_version: number;
            /** Format: date-time */
            readonly first_failed_at: string | null;
            readonly possible_reassignment: boolean;
            readonly operator: string;
            readonly ported: boolean | null;
            readonly valid: boolean | null;
            /** Format: date-time */
            readonly owner_changed_at: string | null;
            /** Format: int64 */
            readonly guessed: number;
            readonly reachable_on: readonly {
                readonly channel: string;
                /** Format: date-time */
                readonly last_delivered_at: string;
            }[];
            readonly opt_outs: readonly {
                readonly channel: string;
                readonly app: string;
                readonly sender: string;
                readonly kind: string;
                /** Format: date-time */
                readonly since: string;
            }[];
        };
        readonly GetOpenapiJson: Record<string, unknown>;
        readonly GetOverview: {
            /** @enum {string} */
            readonly report: "overview";
            /** Format: date-time */
            readonly from: string;
            /** Format: date-time */
            readonly to: string;
            readonly tz: string;
            /** Format: date-time */
            readonly as_of: string | null;
            /** Format: double */
            readonly lag_seconds: number | null;
            /** Format: int64 */
            readonly messages?: number;
            readonly attempts?: {
                /** Format: int64 */
                readonly attempted: number;
                /** Format: int64 */
                readonly sent: number;
                /** Format: int64 */
                readonly delivered: number;
                /** Format: int64 */
                readonly read: number;
                /** Format: int64 */
                readonly failed: number;
                /** Format: int64 */
                readonly pending: number;
                /** Format: int64 */
                readonly delivery_num: number;
                /** Format: int64 */
                readonly delivery_den: number;
                /** Format: double */
                readonly delivery_rate: number | null;
                /** Format: double */
                readonly delivery_rate_low: number | null;
                /** Format: double */
                readonly delivery_rate_high: number | null;
                /** Format: int64 */
                readonly open_num: number;
                /** Format: int64 */
                readonly open_den: number;
                /** Format: double */
                readonly open_rate: number | null;
                /** Format: double */
                readonly open_rate_low: number | null;
                /** Format: double */
                readonly open_rate_high: number | null;
                /** @enum {string|null} */
                readonly open_rate_bound: "exact" | "lower" | "upper" | "mixed" | null;
                readonly mature: boolean;
            };
            readonly opt_outs?: {
                /** Format: int64 */
                readonly unsubscribed: number;
                /** Format: int64 */
                readonly blocked: number;
                /** Format: int64 */
                readonly complained: number;
                readonly mature: boolean;
            };
            readonly money?: {
                /** Format: int64 */
                readonly tariff_version: number;
                /** Format: int64 */
                readonly template_version: number;
                readonly mature: boolean;
                readonly rows: readonly {
                    readonly currency: string;
                    /** Format: int64 */
                    readonly messages: number;
                    /** Format: int64 */
                    readonly reached: number;
                    /** Format: int64 */
                    readonly read: number;
                    /** Format: int64 */
                    readonly unpriced: number;
                    /** Format: int64 */
                    readonly priced_messages: number;
                    readonly sms_only_cost: string | null;
                    readonly actual_cost: string | null;
                    readonly saved: string | null;
                    /** Format: double */
                    readonly saved_rate: number | null;
                    readonly saved_unreached: string | null;
                    readonly saved_reached: string | null;
                    readonly double_paid: string | null;
                    readonly mature: boolean;
                }[];
            };
            readonly dead_numbers?: {
                /** Format: int64 */
                readonly phone: number;
                /** Format: int64 */
                readonly email: number;
            };
            readonly unpriced?: readonly {
                /** @enum {string} */
                readonly reason: "no_segments" | "no_sms_tariff" | "no_tariff" | "no_step_segments" | "two_currencies";
                readonly channel: string;
                /** Format: int64 */
                readonly messages: number;
            }[];
            readonly unmapped_codes?: {
                /** Format: int64 */
                readonly codes: number;
                /** Format: int64 */
                readonly attempts: number;
                /** Format: int64 */
                readonly guessed_codes: number;
                /** Format: int64 */
                readonly guessed_attempts: number;
            };
            readonly dead_letters?: readonly {
                readonly reason: string;
                /** Format: int64 */
                readonly letters: number;
            }[];
            readonly alerts?: readonly {
                readonly account: string;
                readonly rule: string;
                readonly metric: string;
                /** Format: int64 */
                readonly alerts: number;
            }[];
            readonly withheld: readonly string[];
        };
        readonly GetReadyz: {
            /** @enum {string} */
            readonly status: "ready";
        };
        readonly GetRejected: {
            readonly rows: readonly components["schemas"]["GetRejectedRow"][];
            readonly next_cursor: string | null;
        };
        readonly GetRejectedReasons: {
            readonly rows: readonly components["schemas"]["GetRejectedReasonsRow"][];
            readonly next_cursor: string | null;
        };
        readonly GetRejectedReasonsRow: {
            readonly reason: string;
            readonly field: string;
            /** Format: int64 */
            readonly letters: number;
            /** Format: int64 */
            readonly replayed: number;
            /** Format: date-time */
            readonly first_at: string;
            /** Format: date-time */
            readonly last_at: string;
        };
        readonly GetRejectedRow: {
            readonly reason: string;
            readonly field: string;
            readonly error: string;
            readonly raw: string;
            /** @enum {string} */
            readonly encoding?: "base64";
            readonly topic: string;
            /** Format: int64 */
            readonly partition: number;
            /** Format: int64 */
            readonly offset: number;
            /** Format: int64 */
            readonly line: number;
            /** Format: date-time */
            readonly at: string;
            /** Format: date-time */
            readonly replayed_at: string | null;
        };
        readonly GetReportsChannels: {
            /** @enum {string} */
            readonly report: "channels";
            /** Format: date-time */
            readonly from: string;
            /** Format: date-time */
            readonly to: string;
            readonly tz: string;
            /** Format: date-time */
            readonly as_of: string | null;
            /** Format: double */
            readonly lag_seconds: number | null;
            readonly mature: boolean;
            readonly rows: readonly components["schemas"]["GetReportsChannelsRow"][];
            readonly next_cursor: string | null;
        };
        readonly GetReportsChannelsRow: {
            readonly account?: string;
            /** @enum {string} */
            readonly channel?: "sms" | "push" | "viber" | "whatsapp" | "vk" | "ok" | "telegram" | "messenger" | "instagram" | "rcs" | "email" | "flash_call" | "voice";
            readonly provider?: string;
            readonly campaign?: string;
            readonly template?: string;
            readonly sender?: string;
            readonly app?: string;
            readonly operator?: string;
            readonly country?: string;
            /** @enum {string} */
            readonly traffic?: "otp" | "transactional" | "service" | "promo" | "";
            readonly step?: number;
            /** @enum {string} */
            readonly trigger?: "first" | "undelivered" | "unread" | "no_app" | "expired" | "rejected" | "manual" | "";
            /** Format: date-time */
            readonly hour?: string;
            /** Format: date */
            readonly day?: string;
            /** Format: date */
            readonly week?: string;
            readonly month?: string;
            readonly hour_of_day?: number;
            readonly weekday?: number;
            /** Format: int64 */
            readonly attempted: number;
            /** Format: int64 */
            readonly sent: number;
            /** Format: int64 */
            readonly delivered: number;
            /** Format: int64 */
            readonly read: number;
            /** Format: int64 */
            readonly clicked: number;
            /** Format: int64 */
            readonly replied: number;
            /** Format: int64 */
            readonly failed: number;
            /** Format: int64 */
            readonly pending: number;
            /** Format: int64 */
            readonly skipped: number;
            /** Format: int64 */
            readonly skewed: number;
            /** Format: int64 */
            readonly machine_opened: number;
            /** Format: int64 */
            readonly unsubscribed: number;
            /** Format: int64 */
            readonly blocked: number;
            /** Format: int64 */
            readonly complained: number;
            /** Format: int64 */
            readonly delivery_num: number;
            /** Format: int64 */
            readonly delivery_den: number;
            /** Format: double */
            readonly delivery_rate: number | null;
            /** Format: double */
            readonly delivery_rate_low: number | null;
            /** Format: double */
            readonly delivery_rate_high: number | null;
            /** Format: int64 */
            readonly delivered_of_attempted_num: number;
            /** Format: int64 */
            readonly delivered_of_attempted_den: number;
            /** Format: double */
            readonly delivered_of_attempted_rate: number | null;
            /** Format: double */
            readonly delivered_of_attempted_rate_low: number | null;
            /** Format: double */
            readonly delivered_of_attempted_rate_high: number | null;
            /** Format: int64 */
            readonly open_num: number;
            /** Format: int64 */
            readonly open_den: number;
            /** Format: double */
            readonly open_rate: number | null;
            /** Format: double */
            readonly open_rate_low: number | null;
            /** Format: double */
            readonly open_rate_high: number | null;
            /** Format: int64 */
            readonly read_of_sent_num: number;
            /** Format: int64 */
            readonly read_of_sent_den: number;
            /** Format: double */
            readonly read_of_sent_rate: number | null;
            /** Format: double */
            readonly read_of_sent_rate_low: number | null;
            /** Format: double */
            readonly read_of_sent_rate_high: number | null;
            /** Format: int64 */
            readonly reply_num: number;
            /** Format: int64 */
            readonly reply_den: number;
            /** Format: double */
            readonly reply_rate: number | null;
            /** Format: double */
            readonly reply_rate_low: number | null;
            /** Format: double */
            readonly reply_rate_high: number | null;
            /** Format: int64 */
            readonly click_num: number;
            /** Format: int64 */
            readonly click_den: number;
            /** Format: double */
            readonly click_rate: number | null;
            /** Format: double */
            readonly click_rate_low: number | null;
            /** Format: double */
            readonly click_rate_high: number | null;
            /** Format: int64 */
            readonly delivered_1m_num: number;
            /** Format: int64 */
            readonly delivered_1m_den: number;
            /** Format: double */
            readonly delivered_1m_rate: number | null;
            /** Format: double */
            readonly delivered_1m_rate_low: number | null;
            /** Format: double */
            readonly delivered_1m_rate_high: number | null;
            /** Format: int64 */
            readonly delivered_24h_num: number;
            /** Format: int64 */
            readonly delivered_24h_den: number;
            /** Format: double */
            readonly delivered_24h_rate: number | null;
            /** Format: double */
            readonly delivered_24h_rate_low: number | null;
            /** Format: double */
            readonly delivered_24h_rate_high: number | null;
            /** Format: int64 */
            readonly read_24h_num: number;
            /** Format: int64 */
            readonly read_24h_den: number;
            /** Format: double */
            readonly read_24h_rate: number | null;
            /** Format: double */
            readonly read_24h_rate_low: number | null;
            /** Format: double */
            readonly read_24h_rate_high: number | null;
            /** Format: int64 */
            readonly unsubscribe_num: number;
            /** Format: int64 */
            readonly unsubscribe_den: number;
            /** Format: double */
            readonly unsubscribe_rate: number | null;
            /** Format: double */
            readonly unsubscribe_rate_low: number | null;
            /** Format: double */
            readonly unsubscribe_rate_high: number | null;
            /** Format: int64 */
            readonly block_num: number;
            /** Format: int64 */
            readonly block_den: number;
            /** Format: double */
            readonly block_rate: number | null;
            /** Format: double */
            readonly block_rate_low: number | null;
            /** Format: double */
            readonly block_rate_high: number | null;
            /** Format: int64 */
            readonly complaint_num: number;
            /** Format: int64 */
            readonly complaint_den: number;
            /** Format: double */
            readonly complaint_rate: number | null;
            /** Format: double */
            readonly complaint_rate_low: number | null;
            /** Format: double */
            readonly complaint_rate_high: number | null;
            /** @enum {string|null} */
            readonly open_rate_bound: "exact" | "lower" | "upper" | "mixed" | null;
            /** Format: double */
            readonly time_to_deliver_p50: number | null;
            /** Format: double */
            readonly time_to_deliver_p90: number | null;
            /** Format: double */
            readonly time_to_deliver_p99: number | null;
            /** Format: double */
            readonly time_to_read_p50: number | null;
            /** Format: double */
            readonly time_to_read_p90: number | null;
            /** Format: double */
            readonly time_to_read_p99: number | null;
            /** Format: double */
            readonly time_to_reply_p50: number | null;
            /** Format: double */
            readonly time_to_reply_p90: number | null;
            /** Format: double */
            readonly time_to_reply_p99: number | null;
            readonly mature: boolean;
        };
        readonly GetReportsCompare: {
            /** @enum {string} */
            readonly report: "compare";
            /** Format: date-time */
            readonly from: string;
            /** Format: date-time */
            readonly to: string;
            readonly tz: string;
            /** Format: date-time */
            readonly as_of: string | null;
            /** Format: double */
            readonly lag_seconds: number | null;
            readonly mature: boolean;
            /** Format: int64 */
            readonly minimum_sample: number;
            readonly rows: readonly components["schemas"]["GetReportsCompareRow"][];
            readonly next_cursor: string | null;
        };
        readonly GetReportsCompareRow: {
            /** @enum {string} */
            readonly among: "all" | "both";
            /** @enum {string} */
            readonly metric: "open" | "delivery" | "click" | "reply" | "read_of_sent" | "delivered_of_attempted";
            readonly by: string;
            readonly a: string;
            /** Format: int64 */
            readonly a_num: number;
            /** Format: int64 */
            readonly a_den: number;
            /** Format: double */
            readonly a_rate: number | null;
            /** Format: double */
            readonly a_rate_low: number | null;
            /** Format: double */
            readonly a_rate_high: number | null;
            /** @enum {string|null} */
            readonly a_bound: "exact" | "lower" | "upper" | "mixed" | null;
            readonly b: string;
            /** Format: int64 */
            readonly b_num: number;
            /** Format: int64 */
            readonly b_den: number;
            /** Format: double */
            readonly b_rate: number | null;
            /** Format: double */
            readonly b_rate_low: number | null;
            /** Format: double */
            readonly b_rate_high: number | null;
            /** @enum {string|null} */
            readonly b_bound: "exact" | "lower" | "upper" | "mixed" | null;
            /** Format: double */
            readonly difference: number | null;
            /** Format: double */
            readonly difference_low: number | null;
            /** Format: double */
            readonly difference_high: number | null;
            /** @enum {string|null} */
            readonly difference_bound: "exact" | "lower" | "upper" | "mixed" | null;
            readonly distinguishable: boolean;
            /** @enum {string|null} */
            readonly why_not: "too_few" | "within_noise" | "bounds" | null;
            /** Format: int64 */
            readonly tried: number | null;
            /** Format: int64 */
            readonly people: number | null;
            /** Format: int64 */
            readonly on_both: number | null;
            /** Format: int64 */
            readonly on_a_only: number | null;
            /** Format: int64 */
            readonly on_b_only: number | null;
            /** Format: int64 */
            readonly on_neither: number | null;
            readonly mature: boolean;
        };
        readonly GetReportsDeadSpend: {
            /** @enum {string} */
            readonly report: "dead-spend";
            /** Format: date-time */
            readonly from: string;
            /** Format: date-time */
            readonly to: string;
            readonly tz: string;
            /** Format: date-time */
            readonly as_of: string | null;
            /** Format: double */
            readonly lag_seconds: number | null;
            readonly mature: boolean;
            /** Format: int64 */
            readonly tariff_version: number;
            readonly rows: readonly components["schemas"]["GetReportsDeadSpendRow"][];
            readonly next_cursor: string | null;
        };
        readonly GetReportsDeadSpendRow: {
            readonly account?: string;
            /** @enum {string} */
            readonly channel?: "sms" | "push" | "viber" | "whatsapp" | "vk" | "ok" | "telegram" | "messenger" | "instagram" | "rcs" | "email" | "flash_call" | "voice";
            readonly provider?: string;
            readonly campaign?: string;
            readonly template?: string;
            readonly sender?: string;
            readonly app?: string;
            readonly operator?: string;
            readonly country?: string;
            /** @enum {string} */
            readonly traffic?: "otp" | "transactional" | "service" | "promo" | "";
            readonly step?: number;
            /** @enum {string} */
            readonly trigger?: "first" | "undelivered" | "unread" | "no_app" | "expired" | "rejected" | "manual" | "";
            /** Format: date-time */
            readonly hour?: string;
            /** Format: date */
            readonly day?: string;
            /** Format: date */
            readonly week?: string;
            readonly month?: string;
            readonly hour_of_day?: number;
            readonly weekday?: number;
            /** @enum {string} */
            readonly rule?: "deactivated" | "hard" | "invalid_format" | "override" | "soft";
            readonly currency: string;
            /** Format: int64 */
            readonly attempts: number;
            /** Format: int64 */
            readonly unpriced: number;
            readonly cost: string;
            /** Format: int64 */
            readonly delivered: number;
            readonly avoidable_cost: string;
        };
        readonly GetReportsFailures: {
            /** @enum {string} */
            readonly report: "failures";
            /** Format: date-time */
            readonly from: string;
            /** Format: date-time */
            readonly to: string;
            readonly tz: string;
            /** Format: date-time */
            readonly as_of: string | null;
            /** Format: double */
            readonly lag_seconds: number | null;
            readonly mature: boolean;
            readonly rows: readonly components["schemas"]["GetReportsFailuresRow"][];
            readonly next_cursor: string | null;
        };
        readonly GetReportsFailuresRow: {
            readonly account?: string;
            /** @enum {string} */
            readonly channel?: "sms" | "push" | "viber" | "whatsapp" | "vk" | "ok" | "telegram" | "messenger" | "instagram" | "rcs" | "email" | "flash_call" | "voice";
            readonly provider?: string;
            readonly campaign?: string;
            readonly template?: string;
            readonly sender?: string;
            readonly app?: string;
            readonly operator?: string;
            readonly country?: string;
            /** @enum {string} */
            readonly traffic?: "otp" | "transactional" | "service" | "promo" | "";
            readonly step?: number;
            /** @enum {string} */
            readonly trigger?: "first" | "undelivered" | "unread" | "no_app" | "expired" | "rejected" | "manual" | "";
            /** Format: date-time */
            readonly hour?: string;
            /** Format: date */
            readonly day?: string;
            /** Format: date */
            readonly week?: string;
            readonly month?: string;
            readonly hour_of_day?: number;
            readonly weekday?: number;
            /** @enum {string} */
            readonly reason?: "unknown_subscriber" | "invalid_format" | "not_sms_capable" | "deactivated" | "absent_subscriber" | "memory_full" | "handset_busy" | "barred" | "roaming" | "expired" | "no_mailbox" | "mailbox_full" | "not_answered" | "blocked_by_user" | "opted_out" | "dnd" | "channel_not_registered" | "app_uninstalled" | "token_invalid" | "spam_filtered" | "content_rejected" | "sender_not_allowed" | "template_rejected" | "reputation_block" | "frequency_capped" | "window_closed" | "network_congestion" | "system_failure" | "route_error" | "account" | "duplicate" | "cancelled" | "price_limit" | "unknown";
            readonly error_code?: string;
            /** Format: int64 */
            readonly count: number;
            /** Format: int64 */
            readonly share_num: number;
            /** Format: int64 */
            readonly share_den: number;
            /** Format: double */
            readonly share_rate: number | null;
            /** Format: double */
            readonly share_rate_low: number | null;
            /** Format: double */
            readonly share_rate_high: number | null;
            readonly mature: boolean;
        };
        readonly GetReportsGroups: {
            /** @enum {string} */
            readonly report: "groups";
            /** Format: date-time */
            readonly from: string;
            /** Format: date-time */
            readonly to: string;
            readonly tz: string;
            /** Format: date-time */
            readonly as_of: string | null;
            /** Format: double */
            readonly lag_seconds: number | null;
            readonly mature: boolean;
            readonly rows: readonly components["schemas"]["GetReportsGroupsRow"][];
            readonly next_cursor: string | null;
        };
        readonly GetReportsGroupsRow: {
            readonly account?: string;
            /** @enum {string} */
            readonly channel?: "sms" | "push" | "viber" | "whatsapp" | "vk" | "ok" | "telegram" | "messenger" | "instagram" | "rcs" | "email" | "flash_call" | "voice";
            readonly provider?: string;
            readonly campaign?: string;
            readonly template?: string;
            readonly sender?: string;
            readonly app?: string;
            readonly operator?: string;
            readonly country?: string;
            /** @enum {string} */
            readonly traffic?: "otp" | "transactional" | "service" | "promo" | "";
            readonly step?: number;
            /** @enum {string} */
            readonly trigger?: "first" | "undelivered" | "unread" | "no_app" | "expired" | "rejected" | "manual" | "";
            /** Format: date-time */
            readonly hour?: string;
            /** Format: date */
            readonly day?: string;
            /** Format: date */
            readonly week?: string;
            readonly month?: string;
            readonly hour_of_day?: number;
            readonly weekday?: number;
            /** Format: date-time */
            readonly first_at: string | null;
            /** Format: int64 */
            readonly attempted: number;
            /** Format: int64 */
            readonly sent: number;
            /** Format: int64 */
            readonly delivered: number;
            /** Format: int64 */
            readonly read: number;
            /** Format: int64 */
            readonly clicked: number;
            /** Format: int64 */
            readonly replied: number;
            /** Format: int64 */
            readonly failed: number;
            /** Format: int64 */
            readonly pending: number;
            /** Format: int64 */
            readonly skipped: number;
            /** Format: int64 */
            readonly delivery_num: number;
            /** Format: int64 */
            readonly delivery_den: number;
            /** Format: double */
            readonly delivery_rate: number | null;
            /** Format: double */
            readonly delivery_rate_low: number | null;
            /** Format: double */
            readonly delivery_rate_high: number | null;
            /** Format: int64 */
            readonly open_num: number;
            /** Format: int64 */
            readonly open_den: number;
            /** Format: double */
            readonly open_rate: number | null;
            /** Format: double */
            readonly open_rate_low: number | null;
            /** Format: double */
            readonly open_rate_high: number | null;
            /** Format: int64 */
            readonly click_num: number;
            /** Format: int64 */
            readonly click_den: number;
            /** Format: double */
            readonly click_rate: number | null;
            /** Format: double */
            readonly click_rate_low: number | null;
            /** Format: double */
            readonly click_rate_high: number | null;
            /** Format: int64 */
            readonly reply_num: number;
            /** Format: int64 */
            readonly reply_den: number;
            /** Format: double */
            readonly reply_rate: number | null;
            /** Format: double */
            readonly reply_rate_low: number | null;
            /** Format: double */
            readonly reply_rate_high: number | null;
            /** @enum {string|null} */
            readonly open_rate_bound: "exact" | "lower" | "upper" | "mixed" | null;
            readonly mature: boolean;
        };
        readonly GetReportsLatency: {
            /** @enum {string} */
            readonly report: "latency";
            /** Format: date-time */
            readonly from: string;
            /** Format: date-time */
            readonly to: string;
            readonly tz: string;
            /** Format: date-time */
            readonly as_of: string | null;
            /** Format: double */
            readonly lag_seconds: number | null;
            readonly mature: boolean;
            readonly rows: readonly components["schemas"]["GetReportsLatencyRow"][];
            readonly next_cursor: string | null;
        };
        readonly GetReportsLatencyRow: {
            readonly account?: string;
            /** @enum {string} */
            readonly channel?: "sms" | "push" | "viber" | "whatsapp" | "vk" | "ok" | "telegram" | "messenger" | "instagram" | "rcs" | "email" | "flash_call" | "voice";
            readonly provider?: string;
            readonly campaign?: string;
            readonly template?: string;
            readonly sender?: string;
            readonly app?: string;
            readonly operator?: string;
            readonly country?: string;
            /** @enum {string} */
            readonly traffic?: "otp" | "transactional" | "service" | "promo" | "";
            readonly step?: number;
            /** @enum {string} */
            readonly trigger?: "first" | "undelivered" | "unread" | "no_app" | "expired" | "rejected" | "manual" | "";
            /** Format: date-time */
            readonly hour?: string;
            /** Format: date */
            readonly day?: string;
            /** Format: date */
            readonly week?: string;
            readonly month?: string;
            readonly hour_of_day?: number;
            readonly weekday?: number;
            /** @enum {string} */
            readonly metric: "time_to_deliver" | "time_to_read" | "time_to_reply";
            /** Format: double */
            readonly le: number;
            /** Format: int64 */
            readonly count: number;
            /** Format: int64 */
            readonly known: number;
            /** Format: double */
            readonly share_rate: number;
            /** Format: double */
            readonly share_rate_low: number;
            /** Format: double */
            readonly share_rate_high: number;
            /** Format: int64 */
            readonly sent: number;
            /** Format: int64 */
            readonly delivered: number;
            /** Format: double */
            readonly of_sent_rate: number | null;
            /** Format: int64 */
            readonly skewed: number;
            /** @enum {string|null} */
            readonly bound: "exact" | "lower" | "upper" | "mixed" | null;
            readonly mature: boolean;
        };
        readonly GetReportsOverlap: {
            /** @enum {string} */
            readonly report: "overlap";
            /** Format: date-time */
            readonly from: string;
            /** Format: date-time */
            readonly to: string;
            readonly tz: string;
            /** Format: date-time */
            readonly as_of: string | null;
            /** Format: double */
            readonly lag_seconds: number | null;
            readonly mature: boolean;
            readonly rows: readonly components["schemas"]["GetReportsOverlapRow"][];
            readonly next_cursor: string | null;
        };
        readonly GetReportsOverlapRow: {
            readonly channels: string;
            /** Format: int64 */
            readonly people: number;
            /** Format: int64 */
            readonly audience: number;
            /** Format: double */
            readonly share: number;
            /** Format: double */
            readonly share_low: number;
            /** Format: double */
            readonly share_high: number;
        };
        readonly GetReportsPenetration: {
            /** @enum {string} */
            readonly report: "penetration";
            /** Format: date-time */
            readonly from: string;
            /** Format: date-time */
            readonly to: string;
            readonly tz: string;
            /** Format: date-time */
            readonly as_of: string | null;
            /** Format: double */
            readonly lag_seconds: number | null;
            readonly mature: boolean;
            readonly rows: readonly components["schemas"]["GetReportsPenetrationRow"][];
            readonly next_cursor: string | null;
        };
        readonly GetReportsPenetrationRow: {
            readonly account?: string;
            /** @enum {string} */
            readonly channel: "sms" | "push" | "viber" | "whatsapp" | "vk" | "ok" | "telegram" | "messenger" | "instagram" | "rcs" | "email" | "flash_call" | "voice";
            readonly provider?: string;
            readonly campaign?: string;
            readonly template?: string;
            readonly sender?: string;
            readonly app?: string;
            readonly operator?: string;
            readonly country?: string;
            /** @enum {string} */
            readonly traffic?: "otp" | "transactional" | "service" | "promo" | "";
            /** Format: date-time */
            readonly hour?: string;
            /** Format: date */
            readonly day?: string;
            /** Format: date */
            readonly week?: string;
            readonly month?: string;
            readonly hour_of_day?: number;
            readonly weekday?: number;
            /** Format: int64 */
            readonly audience: number;
            /** Format: int64 */
            readonly tested: number;
            /** Format: int64 */
            readonly reached: number;
            /** Format: double */
            readonly penetration: number | null;
            /** Format: double */
            readonly penetration_low: number | null;
            /** Format: double */
            readonly penetration_high: number | null;
            /** Format: double */
            readonly tested_share: number | null;
            /** Format: double */
            readonly tested_share_low: number | null;
            /** Format: double */
            readonly tested_share_high: number | null;
            /** Format: int64 */
            readonly messages: number;
            /** Format: int64 */
            readonly messages_movable: number;
            /** Format: double */
            readonly message_penetration: number | null;
            /** Format: double */
            readonly message_penetration_low: number | null;
            /** Format: double */
            readonly message_penetration_high: number | null;
            readonly mature: boolean;
        };
        readonly GetReportsSavings: {
            /** @enum {string} */
            readonly report: "savings";
            /** Format: date-time */
            readonly from: string;
            /** Format: date-time */
            readonly to: string;
            readonly tz: string;
            /** Format: date-time */
            readonly as_of: string | null;
            /** Format: double */
            readonly lag_seconds: number | null;
            readonly mature: boolean;
            /** Format: int64 */
            readonly tariff_version: number;
            /** Format: int64 */
            readonly template_version: number;
            readonly rows: readonly components["schemas"]["GetReportsSavingsRow"][];
            readonly next_cursor: string | null;
        };
        readonly GetReportsSavingsRow: {
            readonly account?: string;
            readonly campaign?: string;
            readonly template?: string;
            readonly sender?: string;
            /** @enum {string} */
            readonly traffic?: "otp" | "transactional" | "service" | "promo" | "";
            readonly country?: string;
            /** Format: date-time */
            readonly hour?: string;
            /** Format: date */
            readonly day?: string;
            /** Format: date */
            readonly week?: string;
            readonly month?: string;
            readonly hour_of_day?: number;
            readonly weekday?: number;
            /** @enum {string} */
            readonly first_channel?: "sms" | "push" | "viber" | "whatsapp" | "vk" | "ok" | "telegram" | "messenger" | "instagram" | "rcs" | "email" | "flash_call" | "voice";
            /** @enum {string} */
            readonly reached_by?: "sms" | "push" | "viber" | "whatsapp" | "vk" | "ok" | "telegram" | "messenger" | "instagram" | "rcs" | "email" | "flash_call" | "voice" | "";
            readonly path?: string;
            readonly currency: string;
            /** Format: int64 */
            readonly messages: number;
            /** Format: int64 */
            readonly reached: number;
            /** Format: int64 */
            readonly read: number;
            /** Format: int64 */
            readonly unpriced: number;
            /** Format: int64 */
            readonly estimated: number;
            /** Format: int64 */
            readonly priced_messages: number;
            /** Format: int64 */
            readonly priced_reached: number;
            /** Format: int64 */
            readonly priced_read: number;
            /** Format: int64 */
            readonly sms_segments: number;
            readonly sms_only_cost: string | null;
            readonly actual_cost: string | null;
            readonly saved: string | null;
            /** Format: double */
            readonly saved_rate: number | null;
            readonly saved_unreached: string | null;
            readonly saved_reached: string | null;
            readonly double_paid: string | null;
            readonly double_paid_unread: string | null;
            readonly wasted_cost: string | null;
            readonly cost_per_reached: string | null;
            readonly cost_per_read: string | null;
            /** Format: int64 */
            readonly reported_attempts: number;
            readonly reported_cost: string | null;
            readonly drift: string | null;
            readonly minimum_top_up: string | null;
            readonly saved_after_minimum: string | null;
            readonly by_channel: readonly {
                /** @enum {string} */
                readonly channel: "sms" | "push" | "viber" | "whatsapp" | "vk" | "ok" | "telegram" | "messenger" | "instagram" | "rcs" | "email" | "flash_call" | "voice";
                /** Format: int64 */
                readonly attempts: number;
                /** Format: int64 */
                readonly units: number;
                readonly cost: string;
            }[];
            readonly unpriced_reasons: readonly {
                /** @enum {string} */
                readonly reason: "no_segments" | "no_sms_tariff" | "no_tariff" | "no_step_segments" | "two_currencies";
                readonly channel: string;
                /** Format: int64 */
                readonly messages: number;
            }[];
            readonly mature: boolean;
        };
        readonly GetReportsSegmentWaste: {
            /** @enum {string} */
            readonly report: "segment-waste";
            /** Format: date-time */
            readonly from: string;
            /** Format: date-time */
            readonly to: string;
            readonly tz: string;
            /** Format: date-time */
            readonly as_of: string | null;
            /** Format: double */
            readonly lag_seconds: number | null;
            readonly mature: boolean;
            /** Format: int64 */
            readonly tariff_version: number;
            readonly rows: readonly components["schemas"]["GetReportsSegmentWasteRow"][];
            readonly next_cursor: string | null;
        };
        readonly GetReportsSegmentWasteRow: {
            readonly account?: string;
            readonly campaign?: string;
            readonly template?: string;
            readonly sender?: string;
            /** @enum {string} */
            readonly traffic?: "otp" | "transactional" | "service" | "promo" | "";
            readonly country?: string;
            /** Format: date-time */
            readonly hour?: string;
            /** Format: date */
            readonly day?: string;
            /** Format: date */
            readonly week?: string;
            readonly month?: string;
            readonly hour_of_day?: number;
            readonly weekday?: number;
            readonly currency: string;
            /** Format: int64 */
            readonly messages_over: number;
            /** Format: int64 */
            readonly messages_forced: number;
            /** Format: int64 */
            readonly avoidable_segments: number;
            readonly avoidable_cost: string;
            /** Format: int64 */
            readonly over_segments: number;
            readonly over_cost: string;
            /** Format: int64 */
            readonly forced_segments: number;
            readonly forced_cost: string;
            /** Format: int64 */
            readonly billed_segments: number;
            readonly billed_cost: string;
            /** Format: int64 */
            readonly unpriced: number;
        };
        readonly GetReportsSpend: {
            /** @enum {string} */
            readonly report: "spend";
            /** Format: date-time */
            readonly from: string;
            /** Format: date-time */
            readonly to: string;
            readonly tz: string;
            /** Format: date-time */
            readonly as_of: string | null;
            /** Format: double */
            readonly lag_seconds: number | null;
            readonly mature: boolean;
            /** Format: int64 */
            readonly tariff_version: number;
            /** Format: int64 */
            readonly template_version: number;
            readonly rows: readonly components["schemas"]["GetReportsSpendRow"][];
            readonly next_cursor: string | null;
        };
        readonly GetReportsSpendRow: {
            readonly account?: string;
            /** @enum {string} */
            readonly channel?: "sms" | "push" | "viber" | "whatsapp" | "vk" | "ok" | "telegram" | "messenger" | "instagram" | "rcs" | "email" | "flash_call" | "voice";
            readonly provider?: string;
            readonly campaign?: string;
            readonly template?: string;
            readonly sender?: string;
            readonly app?: string;
            readonly operator?: string;
            readonly country?: string;
            /** @enum {string} */
            readonly traffic?: "otp" | "transactional" | "service" | "promo" | "";
            readonly step?: number;
            /** @enum {string} */
            readonly trigger?: "first" | "undelivered" | "unread" | "no_app" | "expired" | "rejected" | "manual" | "";
            /** Format: date-time */
            readonly hour?: string;
            /** Format: date */
            readonly day?: string;
            /** Format: date */
            readonly week?: string;
            readonly month?: string;
            readonly hour_of_day?: number;
            readonly weekday?: number;
            readonly currency: string;
            /** Format: int64 */
            readonly attempts: number;
            /** Format: int64 */
            readonly sent: number;
            /** Format: int64 */
            readonly delivered: number;
            /** Format: int64 */
            readonly units: number;
            readonly cost: string | null;
            /** Format: int64 */
            readonly unpriced: number;
            readonly cost_per_delivered: string | null;
            /** Format: int64 */
            readonly billed_segments: number;
            /** Format: int64 */
            readonly computed_segments: number;
            /** Format: int64 */
            readonly segment_drift: number;
            /** Format: int64 */
            readonly reported_attempts: number;
            readonly reported_cost: string | null;
            readonly drift: string | null;
            readonly of_unpriced: string | null;
        };
        readonly GetSession: {
            readonly auth: string;
            readonly key_id: null | string;
            readonly csrf_token: null | string;
            readonly expires_at: null | string;
            readonly account: null | string;
            readonly scopes: readonly string[];
        };
        readonly GetStatus: {
            readonly kafka: {
                readonly brokers: readonly string[];
                readonly topic: string;
                readonly dead_letter_topic: string;
            };
            readonly lag_events: null | number;
            readonly lag_seconds: null | number;
            readonly as_of: null | string;
            readonly balance: {
                readonly consumed: number;
                readonly stored: number;
                readonly rejected: number;
                readonly parked: number;
                readonly in_flight: number;
                readonly empty: number;
            };
            readonly pending_buckets: number;
            readonly pending_numbers: number;
            readonly split_messages: number;
            readonly shared_messages: number;
            readonly losses: {
                readonly broken_parts: readonly {
                    readonly table: string;
                    readonly part: string;
                }[];
                readonly hours: readonly {
                    readonly account: string;
                    readonly hour: string;
                    readonly published: number;
                    readonly found: number;
                }[];
                readonly rereading: number;
            };
            readonly audit: {
                readonly hours: number;
                readonly at: null | string;
                readonly differences: number;
            };
            readonly now: string;
            readonly engine: {
                readonly version: string;
                readonly embedded: boolean;
            };
            readonly disk: null | {
                readonly free_bytes: number;
                readonly total_bytes: number;
                readonly state: string;
            };
        };
        readonly GetTariffs: {
            readonly account: string | null;
            /** Format: int64 */
            readonly version: number;
            /** Format: date-time */
            readonly at: string | null;
            readonly billing_zone: string;
            readonly tariffs: readonly {
                readonly channel: string;
                readonly provider: string;
                readonly operator: string;
                readonly country: string;
                readonly traffic: string;
                readonly sender: string;
                readonly app: string;
                /** Format: date-time */
                readonly valid_from: string;
                /** Format: date-time */
                readonly valid_to: null | string;
                readonly currency: string;
                /** @enum {string} */
                readonly billing: "per_segment_sent" | "per_segment_delivered" | "per_message_sent" | "per_message_delivered" | "attempt_plus_connect" | "per_message_refunded" | "per_message_outside_window" | "per_conversation_24h" | "zero";
                readonly price: string;
                readonly connect_price: null | string;
                readonly monthly_minimum: null | string;
            }[];
        };
        readonly GetTariffsVersions: {
            readonly account: string;
            readonly rows: readonly components["schemas"]["GetTariffsVersionsRow"][];
            readonly next_cursor: string | null;
        };
        readonly GetTariffsVersionsRow: {
            /** Format: int64 */
            readonly version: number;
            /** Format: date-time */
            readonly at: string;
            readonly by: string;
            /** Format: int64 */
            readonly rows: number;
            readonly note: string;
            readonly why: string;
        };
        readonly GetTemplates: {
            readonly account: string | null;
            /** Format: int64 */
            readonly version: number;
            /** Format: date-time */
            readonly at: string | null;
            readonly templates: readonly {
                readonly template: string;
                readonly sms_segments: number;
                readonly valid_from: string;
                readonly valid_to: null | string;
            }[];
        };
        readonly GetTemplatesVersions: {
            readonly account: string;
            readonly rows: readonly components["schemas"]["GetTemplatesVersionsRow"][];
            readonly next_cursor: string | null;
        };
        readonly GetTemplatesVersionsRow: {
            /** Format: int64 */
            readonly version: number;
            /** Format: date-time */
            readonly at: string;
            readonly by: string;
            /** Format: int64 */
            readonly rows: number;
            readonly note: string;
            readonly why: string;
        };
        readonly GetViews: {
            readonly version: number;
            readonly at: null | string;
            readonly views: readonly {
                readonly name: string;
                readonly url: string;
            }[];
        };
        /** @default 1000 */
        readonly LimitParameter2Value: number | "all";
        readonly PostAlertsTry: {
            readonly account: string;
            /** Format: date-time */
            readonly from: string;
            /** Format: date-time */
            readonly to: string;
            readonly not_tried: readonly string[];
            readonly not_judged: readonly {
                readonly rule: string;
                /** Format: int64 */
                readonly days: number;
                /** Format: date */
                readonly first_day: string;
                /** Format: date */
                readonly last_day: string;
            }[];
            readonly rows: readonly {
                readonly id: string;
                readonly account: string;
                readonly rule: string;
                /** @enum {string} */
                readonly metric: "delivery" | "open" | "filtered" | "blocked" | "silent" | "unmapped" | "cost_per_reached" | "dead_letters" | "freshness";
                readonly channel: string | null;
                readonly provider: string | null;
                readonly operator: string | null;
                readonly campaign: string | null;
                /** Format: double */
                readonly before: number | null;
                /** Format: double */
                readonly now: number | null;
                /** Format: double */
                readonly low: number | null;
                /** Format: double */
                readonly high: number | null;
                /** Format: int64 */
                readonly num: number | null;
                /** Format: int64 */
                readonly den: number | null;
                /** Format: int64 */
                readonly hours: number;
                /** Format: date-time */
                readonly since: string;
                /** Format: date-time */
                readonly until: string | null;
                /** @enum {string|null} */
                readonly ended: "recovered" | "too_little" | "new_level" | "rule_changed" | null;
                readonly currency: string | null;
                readonly cost: string | null;
                readonly cost_before: string | null;
                readonly cost_now: string | null;
                readonly cost_low: string | null;
                readonly cost_high: string | null;
            }[];
            /** Format: int64 */
            readonly rows_left_off: number;
        };
        readonly PostAlertsTryBody: Record<string, unknown>;
        readonly PostEventsBody: {
            readonly account: string;
            /** @enum {string} */
            readonly status: "queued" | "accepted" | "sent" | "delivered" | "read" | "clicked" | "replied" | "undelivered" | "rejected" | "expired" | "failed" | "skipped" | "subscribed" | "unsubscribed" | "uninstalled" | "complained" | "blocked" | "lookup" | "inbound";
            /** Format: date-time */
            readonly occurred_at: string;
            readonly recipient: string;
            /** @enum {string|null} */
            readonly channel?: "sms" | "push" | "viber" | "whatsapp" | "vk" | "ok" | "telegram" | "messenger" | "instagram" | "rcs" | "email" | "flash_call" | "voice" | null;
            readonly message_id?: string | null;
            /** Format: date-time */
            readonly submitted_at?: string | null;
            readonly step?: number | null;
            /** @enum {string|null} */
            readonly trigger?: "first" | "undelivered" | "unread" | "no_app" | "expired" | "rejected" | "manual" | null;
            readonly campaign?: string | null;
            readonly template?: string | null;
            readonly sender?: string | null;
            readonly provider?: string | null;
            readonly app?: string | null;
            readonly operator?: string | null;
            /** @enum {string|null} */
            readonly traffic?: "otp" | "transactional" | "service" | "promo" | null;
            readonly contact?: string | null;
            readonly segments?: number | null;
            readonly sms_segments?: number | null;
            readonly sms_segments_plain?: number | null;
            readonly sms_over_by?: number | null;
            readonly sms_forced_chars?: number | null;
            readonly sms_text?: string | null;
            readonly parts?: number | null;
            readonly part?: number | null;
            readonly error_code?: string | null;
            readonly permanent?: boolean | null;
            readonly machine?: boolean | null;
            readonly billable?: boolean | null;
            readonly country?: string | null;
            readonly price?: string | number | null;
            readonly currency?: string | null;
            readonly ported?: boolean | null;
            readonly valid?: boolean | null;
            /** Format: date-time */
            readonly owner_changed_at?: string | null;
            readonly event_id?: string | null;
        } | readonly {
            readonly account: string;
            /** @enum {string} */
            readonly status: "queued" | "accepted" | "sent" | "delivered" | "read" | "clicked" | "replied" | "undelivered" | "rejected" | "expired" | "failed" | "skipped" | "subscribed" | "unsubscribed" | "uninstalled" | "complained" | "blocked" | "lookup" | "inbound";
            /** Format: date-time */
            readonly occurred_at: string;
            readonly recipient: string;
            /** @enum {string|null} */
            readonly channel?: "sms" | "push" | "viber" | "whatsapp" | "vk" | "ok" | "telegram" | "messenger" | "instagram" | "rcs" | "email" | "flash_call" | "voice" | null;
            readonly message_id?: string | null;
            /** Format: date-time */
            readonly submitted_at?: string | null;
            readonly step?: number | null;
            /** @enum {string|null} */
            readonly trigger?: "first" | "undelivered" | "unread" | "no_app" | "expired" | "rejected" | "manual" | null;
            readonly campaign?: string | null;
            readonly template?: string | null;
            readonly sender?: string | null;
            readonly provider?: string | null;
            readonly app?: string | null;
            readonly operator?: string | null;
            /** @enum {string|null} */
            readonly traffic?: "otp" | "transactional" | "service" | "promo" | null;
            readonly contact?: string | null;
            readonly segments?: number | null;
            readonly sms_segments?: number | null;
            readonly sms_segments_plain?: number | null;
            readonly sms_over_by?: number | null;
            readonly sms_forced_chars?: number | null;
            readonly sms_text?: string | null;
            readonly parts?: number | null;
            readonly part?: number | null;
            readonly error_code?: string | null;
            readonly permanent?: boolean | null;
            readonly machine?: boolean | null;
            readonly billable?: boolean | null;
            readonly country?: string | null;
            readonly price?: string | number | null;
            readonly currency?: string | null;
            readonly ported?: boolean | null;
            readonly valid?: boolean | null;
            /** Format: date-time */
            readonly owner_changed_at?: string | null;
            readonly event_id?: string | null;
        }[];
        readonly PostForecastsFromHistory: {
            /** @enum {string} */
            readonly report: "forecast-from-history";
            /** Format: date-time */
            readonly from: string;
            /** Format: date-time */
            readonly to: string;
            readonly tz: string;
            /** Format: date-time */
            readonly as_of: string | null;
            /** Format: double */
            readonly lag_seconds: number | null;
            readonly mature: boolean;
            /** Format: int64 */
            readonly tariff_version: number;
            /** Format: int64 */
            readonly template_version: number;
            readonly account: string;
            /** @enum {string} */
            readonly channel: "push" | "viber" | "whatsapp" | "vk" | "ok" | "telegram" | "messenger" | "instagram" | "rcs" | "email" | "flash_call" | "voice";
            /** Format: double */
            readonly threshold: number;
            readonly currency: string | null;
            readonly channel_price: string | null;
            /** @enum {string|null} */
            readonly billing: "zero" | "per_message_delivered" | "per_message_sent" | "attempt_plus_connect" | null;
            readonly connect_price: string | null;
            readonly sms_price: string | null;
            readonly channel_tariffs: readonly {
                readonly channel: string;
                readonly provider: string;
                readonly operator: string;
                readonly country: string;
                readonly traffic: string;
                readonly sender: string;
                readonly app: string;
                /** Format: date-time */
                readonly valid_from: string;
                /** Format: date-time */
                readonly valid_to: null | string;
                readonly currency: string;
                /** @enum {string} */
                readonly billing: "per_segment_sent" | "per_segment_delivered" | "per_message_sent" | "per_message_delivered" | "attempt_plus_connect" | "per_message_refunded" | "per_message_outside_window" | "per_conversation_24h" | "zero";
                readonly price: string;
                readonly connect_price: null | string;
                readonly monthly_minimum: null | string;
            }[];
            /** Format: int64 */
            readonly messages: number;
            /** Format: date-time */
            readonly first_message: string | null;
            /** Format: date-time */
            readonly last_message: string | null;
            /** Format: int64 */
            readonly tested_num: number;
            /** Format: int64 */
            readonly tested_den: number;
            /** Format: double */
            readonly tested_share: number | null;
            /** Format: int64 */
            readonly penetration_num: number;
            /** Format: int64 */
            readonly penetration_den: number;
            /** Format: double */
            readonly penetration: number | null;
            /** Format: double */
            readonly penetration_low: number | null;
            /** Format: double */
            readonly penetration_high: number | null;
            /** Format: int64 */
            readonly message_penetration_num: number;
            /** Format: int64 */
            readonly message_penetration_den: number;
            /** Format: double */
            readonly message_penetration: number | null;
            /** Format: double */
            readonly message_penetration_low: number | null;
            /** Format: double */
            readonly message_penetration_high: number | null;
            /** Format: int64 */
            readonly delivery_num: number;
            /** Format: int64 */
            readonly delivery_den: number;
            /** Format: double */
            readonly delivery_rate: number | null;
            /** Format: double */
            readonly delivery_rate_low: number | null;
            /** Format: double */
            readonly delivery_rate_high: number | null;
            /** Format: int64 */
            readonly templates: number;
            /** Format: int64 */
            readonly templates_unknown: number;
            readonly total: {
                /** Format: int64 */
                readonly templates: number;
                /** Format: double */
                readonly messages_per_month: number;
                /** Format: double */
                readonly movable_per_month: number | null;
                readonly sms_only_cost_per_month: string;
                readonly channel_cost_per_month: string | null;
                readonly moved_sms_cost_per_month: string | null;
                readonly saved_per_month: string | null;
                readonly cascade_cost_per_month: string | null;
                /** Format: double */
                readonly saved_rate: number | null;
            };
            readonly rows: readonly components["schemas"]["PostForecastsFromHistoryRow"][];
            readonly next_cursor: string | null;
        };
        readonly PostForecastsFromHistoryBody: {
            /** @enum {string} */
            readonly channel: "push" | "viber" | "whatsapp" | "vk" | "ok" | "telegram" | "messenger" | "instagram" | "rcs" | "email" | "flash_call" | "voice";
            readonly channel_price?: string | number | null;
            /** @enum {string|null} */
            readonly billing?: "per_message_delivered" | "per_message_sent" | "attempt_plus_connect" | null;
            readonly connect_price?: string | number | null;
            readonly sms_price?: string | number | null;
            readonly currency?: string | null;
            readonly threshold?: string | number | null;
        };
        readonly PostForecastsFromHistoryRow: {
            readonly template: string;
            /** Format: int64 */
            readonly messages: number;
            /** Format: int64 */
            readonly on_channel: number;
            /** Format: int64 */
            readonly without_sms: number;
            /** Format: int64 */
            readonly unknown_segments: number;
            /** Format: int64 */
            readonly unpriced: number;
            /** Format: int64 */
            readonly candidates: number;
            /** Format: int64 */
            readonly tested_num: number;
            /** Format: int64 */
            readonly tested_den: number;
            /** Format: double */
            readonly tested_share: number | null;
            /** Format: int64 */
            readonly penetration_num: number;
            /** Format: int64 */
            readonly penetration_den: number;
            /** Format: double */
            readonly penetration: number | null;
            /** Format: double */
            readonly penetration_low: number | null;
            /** Format: double */
            readonly penetration_high: number | null;
            /** Format: int64 */
            readonly sms_segments_num: number;
            /** Format: int64 */
            readonly sms_segments_den: number;
            /** Format: double */
            readonly sms_segments: number | null;
            readonly sms_cost: string;
            readonly sms_price: string | null;
            /** Format: double */
            readonly messages_per_month: number;
            /** Format: double */
            readonly movable_per_month: number | null;
            readonly sms_only_cost_per_month: string;
            readonly channel_cost_per_month: string | null;
            readonly moved_sms_cost_per_month: string | null;
            readonly saved_per_month: string | null;
            readonly cascade_cost_per_month: string | null;
            /** Format: double */
            readonly saved_rate: number | null;
            readonly below_threshold: boolean | null;
            readonly worth_it: boolean | null;
        };
        readonly PostForecastsSavings: {
            /** Format: double */
            readonly messages: number;
            /** Format: double */
            readonly penetration: number;
            /** Format: double */
            readonly delivery_rate: number;
            /** Format: double */
            readonly sms_segments: number;
            readonly sms_price: string;
            readonly channel_price: string;
            readonly connect_price: string | null;
            /** @enum {string} */
            readonly billing: "per_message_delivered" | "per_message_sent" | "attempt_plus_connect";
            /** Format: double */
            readonly threshold: number;
            readonly currency: string | null;
            /** Format: double */
            readonly movable: number;
            readonly channel_cost: string;
            readonly moved_sms_cost: string;
            readonly saved: string;
            readonly sms_only_cost: string;
            readonly cascade_cost: string;
            /** Format: double */
            readonly saved_rate: number | null;
            readonly worth_it: boolean;
        };
        readonly PostForecastsSavingsBody: {
            readonly messages: string | number;
            readonly penetration: string | number;
            readonly delivery_rate: string | number;
            readonly sms_segments: string | number;
            readonly sms_price: string | number;
            readonly channel_price: string | number;
            readonly connect_price?: string | number | null;
            /** @enum {string} */
            readonly billing: "per_message_delivered" | "per_message_sent" | "attempt_plus_connect";
            readonly threshold?: string | number | null;
            readonly currency?: string | null;
        };
        readonly PostKeysBody: {
            readonly account?: string | null;
            readonly scopes: readonly ("analyst" | "marketer" | "crm" | "ingest" | "admin")[];
            readonly note?: string;
            /** Format: date-time */
            readonly expires_at?: string | null;
        };
        readonly PostNumbersCheck: {
            readonly account: string;
            /** Format: date-time */
            readonly as_of: string | null;
            /** Format: double */
            readonly lag_seconds: number | null;
            readonly rows: readonly {
                readonly number: string;
                readonly error?: string;
                /** @enum {string} */
                readonly state?: "active" | "dead" | "quarantined" | "revived" | "suspect" | "unknown";
                readonly rule?: string;
                /** Format: date-time */
                readonly since?: string | null;
                readonly opt_outs?: readonly {
                    readonly channel: string;
                    readonly app: string;
                    readonly sender: string;
                    readonly kind: string;
                    /** Format: date-time */
                    readonly since: string;
                }[];
            }[];
        };
        readonly PostNumbersCheckBody: {
            readonly numbers: readonly string[];
        };
        readonly PostRejectedReplay: {
            readonly sent: number;
            readonly refused: number;
            readonly already: number;
            readonly remaining: number;
            readonly next_cursor: null | string;
        };
        readonly PostRejectedReplayBody: {
            /** @enum {string} */
            readonly reason?: "malformed_json" | "missing_field" | "unknown_value" | "out_of_range" | "wrong_type" | "too_long" | "bad_time" | "time_out_of_window" | "bad_recipient" | "bad_price" | "bad_part" | "no_cohort" | "unstorable";
            readonly field?: string;
            readonly topic?: string;
            /** Format: date-time */
            readonly from?: string;
            /** Format: date-time */
            readonly to?: string;
            readonly places?: readonly {
                readonly topic: string;
                readonly partition: number;
                readonly offset: number;
                readonly line: number;
            }[];
            readonly limit?: number;
            readonly cursor?: string;
        };
        readonly PostSession: {
            readonly auth: string;
            readonly key_id: null | string;
            readonly csrf_token: null | string;
            readonly expires_at: null | string;
            readonly account: null | string;
            readonly scopes: readonly string[];
        };
        readonly PostSessionBody: {
            readonly key: string;
        };
        readonly PostSmsSegments: {
            /** @enum {string} */
            readonly encoding: "GSM-7" | "UCS-2";
            readonly units: number;
            readonly segments: number;
            readonly per_segment: number;
            readonly over_by: number;
            readonly units_left: number;
            readonly forced_chars: number;
            readonly forced_by: readonly {
                readonly char: string;
                readonly code: string;
                readonly count: number;
                readonly first_at: number;
                readonly replacement: null | string;
            }[];
            readonly suggestion: null | {
                readonly text: string;
                /** @enum {string} */
                readonly encoding: "GSM-7" | "UCS-2";
                readonly units: number;
                readonly segments: number;
                readonly segments_saved: number;
            };
            readonly without_forced: null | {
                /** @enum {string} */
                readonly encoding: "GSM-7" | "UCS-2";
                readonly units: number;
                readonly segments: number;
                readonly segments_saved: number;
            };
        };
        readonly PostSmsSegmentsBody: {
            readonly text: string;
        };
        readonly Problem: {
            readonly type: string;
            readonly title: string;
            /** Format: int64 */
            readonly status: number;
            readonly detail: string;
            readonly errors?: readonly {
                readonly parameter: string;
                readonly reason: string;
            }[];
        };
        readonly PutAlerts: {
            readonly account: string;
            readonly version: number;
            readonly rows: number;
        } | {
            readonly account: string;
            readonly dry_run: boolean;
            readonly version: number;
            readonly rows: number;
            readonly added: number;
            readonly removed: number;
            readonly changed: number;
            readonly unchanged: number;
            readonly changes: readonly {
                readonly list: string;
                /** @enum {string} */
                readonly change: "added" | "removed" | "changed";
                readonly before: Record<string, unknown> | null;
                readonly after: Record<string, unknown> | null;
            }[];
            readonly changes_left_off: number;
        };
        readonly PutAlertsBody: {
            readonly account?: string;
            /** Format: int64 */
            readonly version?: number;
            /** Format: date-time */
            readonly at?: string | null;
            readonly alerts: readonly {
                readonly id: string;
                readonly name?: string;
                /** @enum {string} */
                readonly metric: "delivery" | "open" | "filtered" | "blocked" | "silent" | "unmapped" | "cost_per_reached" | "dead_letters" | "freshness";
                readonly by?: readonly ("channel" | "provider" | "operator" | "campaign")[];
                readonly only?: {
                    readonly channel?: readonly string[];
                    readonly provider?: readonly string[];
                    readonly operator?: readonly string[];
                    readonly campaign?: readonly string[];
                };
                /** @enum {string} */
                readonly sensitivity?: "low" | "normal" | "high";
                readonly min_sample?: number;
                readonly after_minutes?: number;
                readonly limit_minutes?: number;
                readonly send_to?: readonly string[];
                readonly on?: boolean;
            }[];
            readonly webhooks?: readonly {
                readonly id: string;
                readonly url: string;
                readonly secret?: string;
                readonly secret_id?: string;
                readonly anywhere?: boolean;
            }[];
        };
        readonly PutErrorMap: {
            readonly account: string;
            readonly version: number;
            readonly rows: number;
        } | {
            readonly account: string;
            readonly dry_run: boolean;
            readonly version: number;
            readonly rows: number;
            readonly added: number;
            readonly removed: number;
            readonly changed: number;
            readonly unchanged: number;
            readonly changes: readonly {
                readonly list: string;
                /** @enum {string} */
                readonly change: "added" | "removed" | "changed";
                readonly before: Record<string, unknown> | null;
                readonly after: Record<string, unknown> | null;
            }[];
            readonly changes_left_off: number;
        };
        readonly PutErrorMapBody: {
            readonly account?: string;
            /** Format: int64 */
            readonly version?: number;
            /** Format: date-time */
            readonly at?: string | null;
            readonly lines?: readonly {
                readonly provider: string;
                readonly code: string;
                readonly class: string;
                readonly origin?: string;
            }[];
            readonly aliases?: readonly {
                readonly provider: string;
                readonly like: string;
                readonly origin?: string;
            }[];
        };
        readonly PutNumberRules: {
            readonly account: string;
            readonly version: number;
            readonly rows: number;
        } | {
            readonly account: string;
            readonly dry_run: boolean;
            readonly version: number;
            readonly rows: number;
            readonly added: number;
            readonly removed: number;
            readonly changed: number;
            readonly unchanged: number;
            readonly changes: readonly {
                readonly list: string;
                /** @enum {string} */
                readonly change: "added" | "removed" | "changed";
                readonly before: Record<string, unknown> | null;
                readonly after: Record<string, unknown> | null;
            }[];
            readonly changes_left_off: number;
        };
        readonly PutNumberRulesBody: {
            readonly account?: string;
            /** Format: int64 */
            readonly version?: number;
            /** Format: date-time */
            readonly at?: string | null;
            readonly number_rules: {
                readonly hard_mailings?: number | null;
                readonly hard_hours?: number | null;
                readonly soft_mailings?: number | null;
                readonly soft_days?: number | null;
                readonly quiet_days?: number | null;
                readonly revived_days?: number | null;
                readonly evidence_days?: number | null;
            };
        };
        readonly PutNumbersByNumberOverride: {
            readonly detail?: string;
            readonly account: string;
            readonly number: string;
            /** @enum {string} */
            readonly state: "active" | "dead" | "quarantined" | "revived" | "suspect" | "unknown";
            /** Format: date-time */
            readonly since: string | null;
            /** @enum {string} */
            readonly rule: "" | "deactivated" | "hard" | "invalid_format" | "override" | "soft";
            readonly reasons: {
                readonly [key: string]: number;
            };
            /** Format: date-time */
            readonly last_delivered_at: string | null;
            /** Format: date-time */
            readonly last_failed_at: string | null;
            /** Format: int64 */
            readonly failed_mailings: number;
            /** Format: int64 */
            readonly failed_days: number;
            readonly wasted_cost: string | null;
            readonly currency: string;
            /** Format: int64 */
            readonly rule_version: number;
            /** Format: date-time */
            readonly first_failed_at: string | null;
            readonly possible_reassignment: boolean;
            readonly operator: string;
            readonly ported: boolean | null;
            readonly valid: boolean | null;
            /** Format: date-time */
            readonly owner_changed_at: string | null;
            /** Format: int64 */
            readonly guessed: number;
            readonly reachable_on: readonly {
                readonly channel: string;
                /** Format: date-time */
                readonly last_delivered_at: string;
            }[];
            readonly opt_outs: readonly {
                readonly channel: string;
                readonly app: string;
                readonly sender: string;
                readonly kind: string;
                /** Format: date-time */
                readonly since: string;
            }[];
            readonly override: {
                /** @enum {string} */
                readonly state: "active" | "dead" | "quarantined";
                readonly why: string;
                /** Format: date-time */
                readonly at: string;
                readonly by: string;
            } | null;
            /** Format: int64 */
            readonly tariff_version: number;
            /** Format: date-time */
            readonly as_of: string | null;
            /** Format: double */
            readonly lag_seconds: number | null;
        };
        readonly PutNumbersByNumberOverrideBody: {
            /** @enum {string} */
            readonly state: "active" | "dead" | "quarantined";
            readonly why: string;
        };
        readonly PutTariffs: {
            readonly account: string;
            readonly version: number;
            readonly rows: number;
        } | {
            readonly account: string;
            readonly dry_run: boolean;
            readonly version: number;
            readonly rows: number;
            readonly added: number;
            readonly removed: number;
            readonly changed: number;
            readonly unchanged: number;
            readonly changes: readonly {
                readonly list: string;
                /** @enum {string} */
                readonly change: "added" | "removed" | "changed";
                readonly before: Record<string, unknown> | null;
                readonly after: Record<string, unknown> | null;
            }[];
            readonly changes_left_off: number;
        };
        readonly PutTariffsBody: {
            readonly account?: string;
            /** Format: int64 */
            readonly version?: number;
            /** Format: date-time */
            readonly at?: string | null;
            readonly billing_zone?: string;
            readonly tariffs: readonly {
                /** @enum {string} */
                readonly channel: "sms" | "push" | "viber" | "whatsapp" | "vk" | "ok" | "telegram" | "messenger" | "instagram" | "rcs" | "email" | "flash_call" | "voice";
                readonly provider?: string;
                readonly operator?: string;
                readonly country?: string;
                readonly traffic?: string;
                readonly sender?: string;
                readonly app?: string;
                /** Format: date-time */
                readonly valid_from: string;
                /** Format: date-time */
                readonly valid_to?: string | null;
                readonly currency: string;
                /** @enum {string} */
                readonly billing: "per_segment_sent" | "per_segment_delivered" | "per_message_sent" | "per_message_delivered" | "attempt_plus_connect" | "per_message_refunded" | "per_message_outside_window" | "per_conversation_24h" | "zero";
                readonly price?: string | number | null;
                readonly connect_price?: string | number | null;
                readonly monthly_minimum?: string | number | null;
            }[];
        };
        readonly PutTemplates: {
            readonly account: string;
            readonly version: number;
            readonly rows: number;
        } | {
            readonly account: string;
            readonly dry_run: boolean;
            readonly version: number;
            readonly rows: number;
            readonly added: number;
            readonly removed: number;
            readonly changed: number;
            readonly unchanged: number;
            readonly changes: readonly {
                readonly list: string;
                /** @enum {string} */
                readonly change: "added" | "removed" | "changed";
                readonly before: Record<string, unknown> | null;
                readonly after: Record<string, unknown> | null;
            }[];
            readonly changes_left_off: number;
        };
        readonly PutTemplatesBody: {
            readonly account?: string;
            /** Format: int64 */
            readonly version?: number;
            /** Format: date-time */
            readonly at?: string | null;
            readonly templates: readonly {
                readonly template: string;
                readonly sms_segments?: number;
                readonly sms_text?: string;
                /** Format: date-time */
                readonly valid_from: string;
                /** Format: date-time */
                readonly valid_to?: string | null;
            }[];
        };
        readonly PutViews: {
            readonly version: number;
            readonly rows: number;
        };
        readonly PutViewsBody: {
            readonly views: readonly {
                readonly name: string;
                readonly url: string;
            }[];
            /** Format: int64 */
            readonly version?: number;
            /** Format: date-time */
            readonly at?: string | null;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type DeleteKeysById = components['schemas']['DeleteKeysById'];
export type DeleteNumbersByNumber = components['schemas']['DeleteNumbersByNumber'];
export type DeleteNumbersByNumberOverride = components['schemas']['DeleteNumbersByNumberOverride'];
export type Get = components['schemas']['Get'];
export type GetAlerts = components['schemas']['GetAlerts'];
export type GetAlertsEvents = components['schemas']['GetAlertsEvents'];
export type GetAlertsEventsRow = components['schemas']['GetAlertsEventsRow'];
export type GetAlertsVersions = components['schemas']['GetAlertsVersions'];
export type GetAlertsVersionsRow = components['schemas']['GetAlertsVersionsRow'];
export type GetAudienceBlocked = components['schemas']['GetAudienceBlocked'];
export type GetAudienceBlockedRow = components['schemas']['GetAudienceBlockedRow'];
export type GetAudienceComplained = components['schemas']['GetAudienceComplained'];
export type GetAudienceComplainedRow = components['schemas']['GetAudienceComplainedRow'];
export type GetAudienceSubscribed = components['schemas']['GetAudienceSubscribed'];
export type GetAudienceSubscribedRow = components['schemas']['GetAudienceSubscribedRow'];
export type GetAudienceUninstalled = components['schemas']['GetAudienceUninstalled'];
export type GetAudienceUninstalledRow = components['schemas']['GetAudienceUninstalledRow'];
export type GetAudienceUnsubscribed = components['schemas']['GetAudienceUnsubscribed'];
export type GetAudienceUnsubscribedRow = components['schemas']['GetAudienceUnsubscribedRow'];
export type GetAudit = components['schemas']['GetAudit'];
export type GetAuditRow = components['schemas']['GetAuditRow'];
export type GetDefinitions = components['schemas']['GetDefinitions'];
export type GetErasures = components['schemas']['GetErasures'];
export type GetErasuresRow = components['schemas']['GetErasuresRow'];
export type GetErrorMap = components['schemas']['GetErrorMap'];
export type GetErrorMapUnmapped = components['schemas']['GetErrorMapUnmapped'];
export type GetErrorMapUnmappedRow = components['schemas']['GetErrorMapUnmappedRow'];
export type GetErrorMapVersions = components['schemas']['GetErrorMapVersions'];
export type GetErrorMapVersionsRow = components['schemas']['GetErrorMapVersionsRow'];
export type GetForecastsBreakEven = components['schemas']['GetForecastsBreakEven'];
export type GetHealthz = components['schemas']['GetHealthz'];
export type GetKeys = components['schemas']['GetKeys'];
export type GetKeysRow = components['schemas']['GetKeysRow'];
export type GetMessages = components['schemas']['GetMessages'];
export type GetMessagesById = components['schemas']['GetMessagesById'];
export type GetMessagesRow = components['schemas']['GetMessagesRow'];
export type GetNumberRules = components['schemas']['GetNumberRules'];
export type GetNumberRulesVersions = components['schemas']['GetNumberRulesVersions'];
export type GetNumberRulesVersionsRow = components['schemas']['GetNumberRulesVersionsRow'];
export type GetNumbersBestChannel = components['schemas']['GetNumbersBestChannel'];
export type GetNumbersBestChannelCounts = components['schemas']['GetNumbersBestChannelCounts'];
export type GetNumbersBestChannelCountsRow = components['schemas']['GetNumbersBestChannelCountsRow'];
export type GetNumbersBestChannelRow = components['schemas']['GetNumbersBestChannelRow'];
export type GetNumbersByNumber = components['schemas']['GetNumbersByNumber'];
export type GetNumbersByNumberMessages = components['schemas']['GetNumbersByNumberMessages'];
export type GetNumbersByNumberMessagesRow = components['schemas']['GetNumbersByNumberMessagesRow'];
export type GetNumbersChanges = components['schemas']['GetNumbersChanges'];
export type GetNumbersChangesRow = components['schemas']['GetNumbersChangesRow'];
export type GetNumbersCounts = components['schemas']['GetNumbersCounts'];
export type GetNumbersCountsRow = components['schemas']['GetNumbersCountsRow'];
export type GetNumbersDead = components['schemas']['GetNumbersDead'];
export type GetNumbersDeadRow = components['schemas']['GetNumbersDeadRow'];
export type GetOpenapiJson = components['schemas']['GetOpenapiJson'];
export type GetOverview = components['schemas']['GetOverview'];
export type GetReadyz = components['schemas']['GetReadyz'];
export type GetRejected = components['schemas']['GetRejected'];
export type GetRejectedReasons = components['schemas']['GetRejectedReasons'];
export type GetRejectedReasonsRow = components['schemas']['GetRejectedReasonsRow'];
export type GetRejectedRow = components['schemas']['GetRejectedRow'];
export type GetReportsChannels = components['schemas']['GetReportsChannels'];
export type GetReportsChannelsRow = components['schemas']['GetReportsChannelsRow'];
export type GetReportsCompare = components['schemas']['GetReportsCompare'];
export type GetReportsCompareRow = components['schemas']['GetReportsCompareRow'];
export type GetReportsDeadSpend = components['schemas']['GetReportsDeadSpend'];
export type GetReportsDeadSpendRow = components['schemas']['GetReportsDeadSpendRow'];
export type GetReportsFailures = components['schemas']['GetReportsFailures'];
export type GetReportsFailuresRow = components['schemas']['GetReportsFailuresRow'];
export type GetReportsGroups = components['schemas']['GetReportsGroups'];
export type GetReportsGroupsRow = components['schemas']['GetReportsGroupsRow'];
export type GetReportsLatency = components['schemas']['GetReportsLatency'];
export type GetReportsLatencyRow = components['schemas']['GetReportsLatencyRow'];
export type GetReportsOverlap = components['schemas']['GetReportsOverlap'];
export type GetReportsOverlapRow = components['schemas']['GetReportsOverlapRow'];
export type GetReportsPenetration = components['schemas']['GetReportsPenetration'];
export type GetReportsPenetrationRow = components['schemas']['GetReportsPenetrationRow'];
export type GetReportsSavings = components['schemas']['GetReportsSavings'];
export type GetReportsSavingsRow = components['schemas']['GetReportsSavingsRow'];
export type GetReportsSegmentWaste = components['schemas']['GetReportsSegmentWaste'];
export type GetReportsSegmentWasteRow = components['schemas']['GetReportsSegmentWasteRow'];
export type GetReportsSpend = components['schemas']['GetReportsSpend'];
export type GetReportsSpendRow = components['schemas']['GetReportsSpendRow'];
export type GetSession = components['schemas']['GetSession'];
export type GetStatus = components['schemas']['GetStatus'];
export type GetTariffs = components['schemas']['GetTariffs'];
export type GetTariffsVersions = components['schemas']['GetTariffsVersions'];
export type GetTariffsVersionsRow = components['schemas']['GetTariffsVersionsRow'];
export type GetTemplates = components['schemas']['GetTemplates'];
export type GetTemplatesVersions = components['schemas']['GetTemplatesVersions'];
export type GetTemplatesVersionsRow = components['schemas']['GetTemplatesVersionsRow'];
export type GetViews = components['schemas']['GetViews'];
export type LimitParameter2Value = components['schemas']['LimitParameter2Value'];
export type PostAlertsTry = components['schemas']['PostAlertsTry'];
export type PostAlertsTryBody = components['schemas']['PostAlertsTryBody'];
export type PostEventsBody = components['schemas']['PostEventsBody'];
export type PostForecastsFromHistory = components['schemas']['PostForecastsFromHistory'];
export type PostForecastsFromHistoryBody = components['schemas']['PostForecastsFromHistoryBody'];
export type PostForecastsFromHistoryRow = components['schemas']['PostForecastsFromHistoryRow'];
export type PostForecastsSavings = components['schemas']['PostForecastsSavings'];
export type PostForecastsSavingsBody = components['schemas']['PostForecastsSavingsBody'];
export type PostKeysBody = components['schemas']['PostKeysBody'];
export type PostNumbersCheck = components['schemas']['PostNumbersCheck'];
export type PostNumbersCheckBody = components['schemas']['PostNumbersCheckBody'];
export type PostRejectedReplay = components['schemas']['PostRejectedReplay'];
export type PostRejectedReplayBody = components['schemas']['PostRejectedReplayBody'];
export type PostSession = components['schemas']['PostSession'];
export type PostSessionBody = components['schemas']['PostSessionBody'];
export type PostSmsSegments = components['schemas']['PostSmsSegments'];
export type PostSmsSegmentsBody = components['schemas']['PostSmsSegmentsBody'];
export type Problem = components['schemas']['Problem'];
export type PutAlerts = components['schemas']['PutAlerts'];
export type PutAlertsBody = components['schemas']['PutAlertsBody'];
export type PutErrorMap = components['schemas']['PutErrorMap'];
export type PutErrorMapBody = components['schemas']['PutErrorMapBody'];
export type PutNumberRules = components['schemas']['PutNumberRules'];
export type PutNumberRulesBody = components['schemas']['PutNumberRulesBody'];
export type PutNumbersByNumberOverride = components['schemas']['PutNumbersByNumberOverride'];
export type PutNumbersByNumberOverrideBody = components['schemas']['PutNumbersByNumberOverrideBody'];
export type PutTariffs = components['schemas']['PutTariffs'];
export type PutTariffsBody = components['schemas']['PutTariffsBody'];
export type PutTemplates = components['schemas']['PutTemplates'];
export type PutTemplatesBody = components['schemas']['PutTemplatesBody'];
export type PutViews = components['schemas']['PutViews'];
export type PutViewsBody = components['schemas']['PutViewsBody'];

/** PARAMS are the parameters of each list and report. */
export const PARAMS = {
  "/v1/alerts": ["account","version","format","bom"],
  "/v1/alerts/events": ["account","open","rule","metric","limit","cursor","format","bom"],
  "/v1/alerts/versions": ["account","limit","cursor","format","bom"],
  "/v1/audience/blocked": ["account","channel","app","limit","cursor","format","bom"],
  "/v1/audience/complained": ["account","channel","app","limit","cursor","format","bom"],
  "/v1/audience/subscribed": ["account","channel","app","limit","cursor","format","bom"],
  "/v1/audience/uninstalled": ["account","channel","app","limit","cursor","format","bom"],
  "/v1/audience/unsubscribed": ["account","channel","app","limit","cursor","format","bom"],
  "/v1/audit": ["account","from","to","tz","limit","cursor","format","bom"],
  "/v1/erasures": ["account","limit","cursor","format","bom"],
  "/v1/error-map": ["account","version","format","bom"],
  "/v1/error-map/unmapped": ["account","from","to","tz","limit","cursor","format","bom"],
  "/v1/error-map/versions": ["account","limit","cursor","format","bom"],
  "/v1/keys": ["account","limit","cursor","format","bom"],
  "/v1/messages": ["recipient","contact","account","campaign","channel","status","from","to","tz","limit","cursor","format","bom"],
  "/v1/number-rules": ["account","version","format","bom"],
  "/v1/number-rules/versions": ["account","limit","cursor","format","bom"],
  "/v1/numbers/best-channel": ["account","channel","from","to","tz","limit","cursor","format","bom"],
  "/v1/numbers/best-channel/counts": ["account","channel","from","to","tz","format","bom"],
  "/v1/numbers/changes": ["account","kind","number","to","wait","order","limit","cursor","format","bom"],
  "/v1/numbers/counts": ["account","format","bom"],
  "/v1/numbers/dead": ["account","kind","rule","limit","cursor","format","bom"],
  "/v1/numbers/{number}/messages": ["account","campaign","channel","status","from","to","tz","limit","cursor","format","bom"],
  "/v1/overview": ["from","to","tz","account"],
  "/v1/rejected": ["reason","field","replayed","limit","cursor","format","bom"],
  "/v1/rejected/reasons": ["format","bom"],
  "/v1/reports/channels": ["from","to","tz","group_by","account","channel","provider","campaign","template","sender","app","operator","country","traffic","step","trigger","hour","day","week","month","hour_of_day","weekday","limit","cursor","format","bom"],
  "/v1/reports/compare": ["from","to","tz","by","values","metric","among","account","channel","provider","campaign","template","sender","app","operator","country","traffic","step","trigger","hour","day","week","month","hour_of_day","weekday","format","bom"],
  "/v1/reports/dead-spend": ["from","to","tz","group_by","account","channel","provider","campaign","template","sender","app","operator","country","traffic","step","trigger","hour","day","week","month","hour_of_day","weekday","rule","currency","limit","cursor","format","bom"],
  "/v1/reports/failures": ["from","to","tz","group_by","account","channel","provider","campaign","template","sender","app","operator","country","traffic","step","trigger","hour","day","week","month","hour_of_day","weekday","reason","error_code","limit","cursor","format","bom"],
  "/v1/reports/groups": ["from","to","tz","group_by","account","channel","provider","campaign","template","sender","app","operator","country","traffic","step","trigger","hour","day","week","month","hour_of_day","weekday","sort","search","limit","cursor","format","bom"],
  "/v1/reports/latency": ["from","to","tz","group_by","account","channel","provider","campaign","template","sender","app","operator","country","traffic","step","trigger","hour","day","week","month","hour_of_day","weekday","metric","le","limit","cursor","format","bom"],
  "/v1/reports/overlap": ["from","to","tz","account","channel","provider","campaign","template","sender","app","operator","country","traffic","hour","day","week","month","hour_of_day","weekday","format","bom"],
  "/v1/reports/penetration": ["from","to","tz","group_by","account","channel","provider","campaign","template","sender","app","operator","country","traffic","hour","day","week","month","hour_of_day","weekday","limit","cursor","format","bom"],
  "/v1/reports/savings": ["from","to","tz","group_by","account","campaign","template","sender","traffic","country","hour","day","week","month","hour_of_day","weekday","first_channel","reached_by","path","sms_segments","currency","sort","limit","cursor","format","bom"],
  "/v1/reports/segment-waste": ["from","to","tz","group_by","account","campaign","template","sender","traffic","country","hour","day","week","month","hour_of_day","weekday","currency","limit","cursor","format","bom"],
  "/v1/reports/spend": ["from","to","tz","group_by","account","channel","provider","campaign","template","sender","app","operator","country","traffic","step","trigger","hour","day","week","month","hour_of_day","weekday","currency","limit","cursor","format","bom"],
  "/v1/tariffs": ["account","version","format","bom"],
  "/v1/tariffs/versions": ["account","limit","cursor","format","bom"],
  "/v1/templates": ["account","version","format","bom"],
  "/v1/templates/versions": ["account","limit","cursor","format","bom"],
} as const
