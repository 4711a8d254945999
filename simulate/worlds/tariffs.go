package worlds

import (
	"fmt"
	"strings"
	"time"

	"kaskad/simulate/model/settings"
)

// tariffs makes a price list with rows over rows: some name more keys, some end or begin, some channels have none.
func (g *moneyMaker) tariffs() []settings.Tariff {
	var list []settings.Tariff
	taken := make(map[tariffNames]bool)
	complete := g.chance(60) // Otherwise a channel may lack a price.
	foreign := 4
	if g.chance(15) {
		foreign = 50 // Of 100 rows are in another currency.
	}
	main := g.pick("RUB RUB RUB EUR")
	abroad := g.pick("- - KZ UA") // A country where everything has a price of its own, in dollars.
	if g.dear {
		// A currency of their own: beside the least prices the quotient of theirs would be beyond reason.
		main, abroad, foreign = "CHF", "", 0
	}
	for _, channel := range strings.Fields("sms whatsapp viber rcs push voice flash_call telegram vk email") {
		rows := 0
		if complete || g.chance(75) {
			rows = 1
		}
		if channel == "sms" && g.chance(15) {
			rows = 0 // Only providers have a price, no route has one in general.
			for _, provider := range []string{"p1", "p2"} {
				keys := tariffNames{channel: channel, provider: provider}
				taken[keys] = true
				list = append(list, g.periods(keys, main, true)...)
			}
		}
		if abroad != "" {
			keys := tariffNames{channel: channel, country: abroad}
			taken[keys] = true
			list = append(list, g.periods(keys, "USD", true)...)
		}
		for i := range rows + g.r.IntN(4) {
			keys := tariffNames{channel: channel}
			if i >= rows {
				keys = g.keys(channel)
			}
			if taken[keys] {
				continue
			}
			taken[keys] = true
			currency := main
			if g.chance(foreign) {
				currency = g.pick("RUB EUR USD")
			}
			list = append(list, g.periods(keys, currency, complete)...)
		}
	}
	g.r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// keys names some keys.
func (g *moneyMaker) keys(channel string) tariffNames {
	keys := tariffNames{channel: channel}
	for keys == (tariffNames{channel: channel}) {
		if g.chance(25) {
			keys.provider = g.pick("p1 p2")
		}
		if g.chance(15) {
			keys.operator = g.pick("25001 25002")
		}
		if g.chance(25) {
			keys.country = g.pick("RU RU UA KZ DE")
		}
		if g.chance(20) {
			keys.traffic = g.pick("otp service promo")
		}
		if g.chance(25) {
			keys.sender = g.pick("Shop Kaskad")
		}
		if channel == "push" && g.chance(20) {
			keys.app = g.pick("shop bank")
		}
	}
	return keys
}

// periods makes one row, or two that follow each other, or one that does not cover all times.
func (g *moneyMaker) periods(keys tariffNames, currency string, complete bool) []settings.Tariff {
	row := func(from time.Time, to *time.Time) settings.Tariff {
		t := settings.Tariff{Channel: keys.channel, Provider: keys.provider, Operator: keys.operator,
			Country: keys.country, Traffic: keys.traffic,
			Sender: keys.sender, App: keys.app, ValidFrom: from, ValidTo: to, Currency: currency,
			Billing: g.billing(keys.channel), Price: g.price()}
		if t.Provider == "" && g.chance(30) {
			t.Provider = "*"
		}
		if t.Billing == "zero" {
			t.Price = "0"
		}
		if t.Billing == "attempt_plus_connect" {
			connect := g.price()
			t.ConnectPrice = &connect
		}
		if g.chance(25) {
			minimum := g.pick("5.00 20.00 100 30000.00")
			t.MonthlyMinimum = &minimum
		}
		return t
	}
	always := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	if !g.chance(35) {
		return []settings.Tariff{row(always, nil)}
	}
	border := g.border()
	if complete || g.chance(50) {
		return []settings.Tariff{row(always, &border), row(border, nil)}
	}
	if g.chance(50) {
		return []settings.Tariff{row(always, &border)}
	}
	return []settings.Tariff{row(border, nil)}
}

// border is a quarter hour among the messages' times.
func (g *moneyMaker) border() time.Time {
	anchor := g.anchors[g.r.IntN(len(g.anchors))]
	return anchor.Add(time.Duration(g.r.IntN(97)-48) * 15 * time.Minute).Add(time.Duration(g.r.IntN(3)-1) * 12 *
		time.Hour)
}

func (g *moneyMaker) billing(channel string) string {
	switch channel {
	case "sms":
		return g.pick("per_segment_sent per_segment_sent per_segment_sent per_segment_delivered " +
			"per_segment_delivered per_message_sent per_message_delivered zero")
	case "whatsapp", "viber", "rcs":
		return g.pick("per_conversation_24h per_conversation_24h per_conversation_24h per_message_outside_window " +
			"per_message_outside_window per_message_delivered per_message_sent per_segment_delivered")
	case "voice", "flash_call":
		return g.pick("attempt_plus_connect attempt_plus_connect per_message_sent per_message_delivered")
	case "telegram":
		return g.pick("per_message_refunded per_message_refunded per_message_sent")
	case "email":
		return g.pick("zero zero per_message_sent")
	}
	return g.pick("per_message_delivered per_message_sent per_message_refunded zero")
}

// price returns a decimal; a few are as small as prices may be, and in a dear world all are as large.
func (g *moneyMaker) price() string {
	if g.dear {
		return g.pick("1000000000 999999999.999999 123456789.01")
	}
	switch g.r.IntN(20) {
	case 0:
		return g.pick("0 0.00 0.000001 0.01")
	case 1, 2, 3, 4, 5, 6, 7, 8:
		return g.pick("2.00 1 0.36 0.8125 4.5 0.75 1.10 2.35 0.80")
	}
	return fmt.Sprintf("%d.%0*d", g.r.IntN(5), 6, g.r.IntN(1_000_000))
}

// templates tells the segments of some templates at some times.
func (g *moneyMaker) templates() []settings.Template {
	if g.chance(25) {
		return nil
	}
	var list []settings.Template
	always := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	row := func(name string, from time.Time, to *time.Time) {
		t := settings.Template{Template: name, SMSSegments: 1 + g.r.IntN(6), ValidFrom: from, ValidTo: to}
		if g.chance(40) {
			t.SMSSegments, t.SMSText = 0, g.text()
		}
		list = append(list, t)
	}
	for _, name := range []string{"order", "promo", "otp", "unused"} {
		border := g.border()
		switch g.r.IntN(4) {
		case 0:
			row(name, always, nil)
		case 1:
			row(name, always, &border)
			row(name, border, nil)
		case 2:
			row(name, border, nil)
		}
	}
	return list
}

// tariffNames are what a row of a price list may name.
type tariffNames struct{ channel, provider, operator, country, traffic, sender, app string }
