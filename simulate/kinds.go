package simulate

import (
	"slices"
	"time"
)

// The statuses of a message, in the order in which a happening counts them.
const (
	queued = iota
	accepted
	sent
	delivered
	read
	clicked
	replied
	undelivered
	rejected
	expired
	failed
	skipped
	statuses
)

// statusNames are the message statuses of docs/events.md, at the index of their constant.
var statusNames = [statuses]string{"queued", "accepted", "sent", "delivered", "read", "clicked", "replied",
	"undelivered", "rejected", "expired", "failed", "skipped"}

const (
	quarterHourMS = int64(15 * time.Minute / time.Millisecond)
	hourMS        = 4 * quarterHourMS
	dayMS         = 24 * hourMS
)

// isChannel reports whether docs/events.md knows a channel.
func isChannel(name string) bool {
	return oneOf(name, "sms", "push", "email", "flash_call", "voice", "viber", "whatsapp", "telegram", "vk", "ok",
		"rcs",
		"messenger", "instagram")
}

func oneOf(s string, names ...string) bool { return slices.Contains(names, s) }
