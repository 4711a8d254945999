package health

import (
	"slices"
	"strings"

	"kaskad/schema"
)

// signalSeen is a read, or a message from the customer: it shows that nothing is blocked any more.
const signalSeen = "seen"

// Signal is something that a recipient did on a channel. Its kind is the status of an event about that, or signalSeen.
type Signal struct {
	Kind, Channel, App, Sender string
	AtMS                       int64
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
func optOuts(signals []Signal) []schema.OptOut {
	var standing []schema.OptOut
	for _, s := range signals {
		switch s.Kind {
		case schema.Blocked.String(), schema.Unsubscribed.String(), schema.Complained.String():
		default:
			continue
		}
		i := slices.IndexFunc(standing, func(o schema.OptOut) bool {
			return o.Channel == s.Channel && o.App == s.App && o.Sender == s.Sender && o.Kind == s.Kind
		})
		if i < 0 {
			standing = append(standing, schema.OptOut{Channel: s.Channel, App: s.App, Sender: s.Sender, Kind: s.Kind,
				SinceMS: s.AtMS})
		} else {
			standing[i].SinceMS = max(standing[i].SinceMS, s.AtMS)
		}
	}
	standing = slices.DeleteFunc(standing, func(o schema.OptOut) bool {
		return slices.ContainsFunc(signals, func(s Signal) bool { return s.ends(o) })
	})
	slices.SortFunc(standing, func(x, y schema.OptOut) int {
		return slices.CompareFunc([]string{x.Channel, x.App, x.Sender, x.Kind},
			[]string{y.Channel, y.App, y.Sender, y.Kind}, strings.Compare)
	})
	return standing
}

// ends reports whether the signal ends an opt-out. At equal times the opt-out stands.
func (s Signal) ends(o schema.OptOut) bool {
	if s.AtMS <= o.SinceMS || s.Channel != o.Channel || s.App != o.App {
		return false
	}
	if o.Kind != schema.Blocked.String() {
		return s.Kind == schema.Subscribed.String()
	}
	switch s.Kind {
	case signalSeen, schema.Inbound.String(), schema.Subscribed.String():
		return s.Sender == "" || o.Sender == "" || s.Sender == o.Sender
	}
	return false
}
