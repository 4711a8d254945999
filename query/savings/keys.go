package savings

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"kaskad/query/answer"
	"kaskad/query/report"
	"kaskad/query/rollup"
	"kaskad/schema"
)

// form is what a request for the savings report may ask for, and what is answered.
var form = report.Report{Name: "savings", Keys: Keys, Extra: rollup.Keys{rollup.CurrencyFilter}, Figures: figures,
	Sorts:   sorts(),
	Summary: "What cascades saved against sending everything as SMS, and what they cost",
	Text: "The figure to show alone is `saved_reached`. What is to pay is `actual_cost` + `minimum_top_up`. Messages " +
		"without a price are in `messages`, `reached`, `read` and `unpriced`, and in no money. In CSV and XLSX " +
		"`by_channel` is three columns for each channel, and `unpriced_reasons` one text.",
	Around: []answer.Column{answer.TariffVersion(), answer.TemplateVersion()}}

// Figures are the fields of a row behind its keys.
func Figures() []rollup.Figure { return figures }

// Keys are the names of the savings report (docs/definitions.md section 4). All are of the message: a dimension is the
// greatest over its attempted steps. A cell knows account, campaign, template and time, its signature the others.
var Keys = slices.Concat(rollup.Keys{
	rollup.Dimension("account"),
	rollup.Dimension("campaign"),
	rollup.Dimension("template"),
	rollup.AfterReading(rollup.Dimension("sender")),
	rollup.AfterReading(rollup.Enumeration("traffic", schema.Traffics, true)),
	rollup.AfterReading(rollup.Dimension("country")),
}, rollup.TimeKeys, rollup.Keys{
	rollup.AfterReading(rollup.Enumeration("first_channel", schema.Channels.Names(), false)).
		Means("channel of the first attempted step"),
	rollup.AfterReading(rollup.Enumeration("reached_by", schema.Channels.Names(), true)).
		Means("channel of the first delivered step, empty when the message reached nobody"),
	{Name: "path", Read: readPath, Schema: answer.Matching("^[a-z_]+(>[a-z_]+)*$"), Example: "push>sms",
		Meaning: "channels of the attempted steps, such as push>viber>sms"},
	rollup.AfterReading(rollup.Numeric("sms_segments", "", 0, 65535)).
		Means("baseline segments, 0 when unknown"),
})

// readPath reads the channels of a cascade, joined by ">".
func readPath(value string, _ *time.Location) (string, error) {
	for _, channel := range strings.Split(value, ">") {
		if !slices.Contains(schema.Channels.Names(), channel) {
			return "", fmt.Errorf("%q must be channels joined by >, such as push>viber>sms; %q is none: %s",
				answer.Shorten(value), answer.Shorten(channel), answer.Suggest(channel, schema.Channels.Names()))
		}
	}
	return value, nil
}

// ofCell tells whether cells.sql returns the key: the account is a condition, and others come from signatures.
func ofCell(k rollup.Key) bool { return k.Cell != "" && k.Name != "account" }
