package savings

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"kaskad/query/answer"
	"kaskad/query/report"
	"kaskad/schema"
)

// form is what a request for the savings report may ask for.
var form = report.Report{Name: "savings", Keys: Keys, Extra: report.Keys{report.CurrencyFilter}}

// Keys are the names of the savings report (docs/definitions.md section 4). All are of the message: a dimension is the
// greatest over its attempted steps. A cell knows account, campaign, template and time, its signature the others.
var Keys = slices.Concat(report.Keys{
	report.Dimension("account"),
	report.Dimension("campaign"),
	report.Dimension("template"),
	report.AfterReading(report.Dimension("sender")),
	report.AfterReading(report.Enumeration("traffic", schema.Traffics, true)),
	report.AfterReading(report.Dimension("country")),
}, report.TimeKeys, report.Keys{
	report.AfterReading(report.Enumeration("first_channel", schema.Channels.Names(), false)),
	report.AfterReading(report.Enumeration("reached_by", schema.Channels.Names(), true)),
	{Name: "path", Read: readPath},
	report.AfterReading(report.Numeric("sms_segments", "", 0, 65535)),
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
func ofCell(k report.Key) bool { return k.Cell != "" && k.Name != "account" }
