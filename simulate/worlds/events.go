package worlds

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// wireTime writes a time in one of the ways that an event may say it.
func (g *moneyMaker) wireTime(t time.Time) any {
	text := instantText(t)
	switch g.r.IntN(12) {
	case 0:
		return t.In(time.FixedZone("", 3*3600)).Format("2006-01-02T15:04:05.000-0700")
	case 1:
		return strings.Replace(text, "T", " ", 1)
	case 2:
		return t.UnixMilli()
	case 3:
		return strconv.FormatInt(t.UnixMilli(), 10)
	case 4:
		if t.UnixMilli()%1000 == 0 {
			return t.Unix()
		}
	case 5:
		if t.UnixMilli()%1000 == 0 {
			return strconv.FormatInt(t.Unix(), 10)
		}
	}
	return text
}

// wireNumber writes a whole number as such, now and then in text.
func (g *moneyMaker) wireNumber(n int) any {
	if g.chance(15) {
		return strconv.Itoa(n)
	}
	return n
}

// wirePrice adds zeros to a decimal now and then.
func (g *moneyMaker) wirePrice() string {
	price := g.price()
	if strings.Contains(price, ".") && g.chance(15) {
		return price + "00000000"[:7-min(6, len(price)-strings.IndexByte(price, '.')-1)]
	}
	return price
}

// inbound is a message of the friend that answers none of ours; some name an id all the same.
func (g *moneyMaker) inbound(near time.Time, id string) {
	at := near.Add(-g.pause())
	if g.chance(30) {
		at = near.Add(g.pause())
	}
	wire := map[string]any{"status": "inbound", "recipient": g.friend, "channel": g.friendChannel}
	if g.friendSender != "" {
		wire["sender"] = g.friendSender
	}
	g.personEvent(wire, at, id)
}

// optOut says that somebody has had enough, with the message that it is about or without.
func (g *moneyMaker) optOut(channel, recipient, app, id string, at time.Time) {
	status := g.pick("unsubscribed blocked complained complained subscribed")
	wire := map[string]any{"status": status, "recipient": recipient, "channel": channel}
	if g.chance(10) {
		wire["channel"] = g.pick(moneyChannels)
	}
	if app != "" && g.chance(70) {
		wire["app"] = app
	}
	g.personEvent(wire, at.Add(g.pause()).Add(g.offset(0, 0, 0, 24, 7*24-1, 7*24, 8*24)), id)
}

func (g *moneyMaker) personEvent(wire map[string]any, at time.Time, id string) {
	if at.After(g.world.Now) {
		at = g.world.Now
	}
	wire["account"], wire["occurred_at"] = g.world.Account, g.wireTime(at)
	if g.chance(50) {
		wire["message_id"] = id
	}
	g.put(wire, 25)
}

// uuidOf is a UUID of version 7: a time and random bits.
func uuidOf(t time.Time, high, low uint64) string {
	ms := uint64(t.UnixMilli())
	return fmt.Sprintf("%08x-%04x-7%03x-%04x-%012x", ms>>16, ms&0xffff, high&0xfff, 0x8000|high>>12&0x3fff,
		low&(1<<48-1))
}

func oneOf(s string, names ...string) bool { return slices.Contains(names, s) }
