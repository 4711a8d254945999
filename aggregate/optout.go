package aggregate

import (
	"slices"
	"strings"

	"kaskad/schema"
)

// signalSeen is a read, or a message from the customer: it shows that nothing is blocked any more.
const signalSeen = "seen"

// signal is something that a recipient did on a channel: a status of an event about it, or signalSeen.
type signal struct {
	kind, channel, app, sender string
	atMS                       int64
}

// optOutKind returns the kind of opt-out that an error code of a class tells, "" for none (docs/definitions.md section
// 5).
func optOutKind(class string) string {
	switch class {
	case "blocked_by_user":
		return schema.Blocked.String()
	case "opted_out", "dnd":
		return schema.Unsubscribed.String()
	}
	return ""
}

// optOuts returns what a recipient has opted out of: of each kind the latest per channel, app and sender, unless
// something ended it later. They come in the order of channel, app, sender and kind.
func optOuts(signals []signal) []schema.OptOut {
	var standing []schema.OptOut
	for _, s := range signals {
		switch s.kind {
		case schema.Blocked.String(), schema.Unsubscribed.String(), schema.Complained.String():
		default:
			continue
		}
		i := slices.IndexFunc(standing, func(o schema.OptOut) bool {
			return o.Channel == s.channel && o.App == s.app && o.Sender == s.sender && o.Kind == s.kind
		})
		if i < 0 {
			standing = append(standing, schema.OptOut{Channel: s.channel, App: s.app, Sender: s.sender, Kind: s.kind,
				SinceMS: s.atMS})
		} else {
			standing[i].SinceMS = max(standing[i].SinceMS, s.atMS)
		}
	}
	standing = slices.DeleteFunc(standing, func(o schema.OptOut) bool {
		return slices.ContainsFunc(signals, func(s signal) bool { return s.ends(o) })
	})
	slices.SortFunc(standing, func(x, y schema.OptOut) int {
		return slices.CompareFunc([]string{x.Channel, x.App, x.Sender, x.Kind},
			[]string{y.Channel, y.App, y.Sender, y.Kind}, strings.Compare)
	})
	return standing
}

// ends tells whether the signal ends an opt-out. At equal times the opt-out stands.
func (s signal) ends(o schema.OptOut) bool {
	if s.atMS <= o.SinceMS || s.channel != o.Channel || s.app != o.App {
		return false
	}
	if o.Kind != schema.Blocked.String() {
		return s.kind == schema.Subscribed.String()
	}
	switch s.kind {
	case signalSeen, schema.Inbound.String(), schema.Subscribed.String():
		return s.sender == "" || o.Sender == "" || s.sender == o.Sender
	}
	return false
}
