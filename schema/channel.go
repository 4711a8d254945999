package schema

import (
	"context"
	"database/sql"
	_ "embed"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
)

//go:embed sql/routes_add.sql
var routesAddSQL string

// SMS is the channel that is billed by segments and that others save money against.
const SMS = "sms"

// Channel is a way to reach people, and all that Kaskad knows of it.
type Channel struct {
	Name string
	// TellsOf is the kind of recipients whose health outcomes on the channel tell of, such as [KindPhone]; "" where
	// they tell of a device or an account with a messenger.
	TellsOf string
	// Dialog means that providers bill conversations and messages outside of the customer's window (docs/definitions.md
	// section 4).
	Dialog bool
	// Bounces means that a delivery is taken back by a later permanent failure.
	Bounces bool
	// Installed means that messages go to an app: a failure for want of it says that the person uninstalled it.
	Installed bool
	// GuessedBy is the provider of the shipped error map whose lines guess codes that no line knows, "" for none.
	GuessedBy string
	// Reports is what routes of the channel can report where table routes has no line of their provider.
	Reports Capability
}

// Capability is what routes can report.
type Capability struct {
	Deliveries bool
	// Bound says what reported reads are of all reads: "exact", "lower" or "upper"; "none" where none are reported.
	Bound        string
	SettlingDays uint16
}

// ChannelTable is a list of channels.
type ChannelTable []Channel

// Channels are all channels, in the order in which errors and reports list them. A new one goes to the end, into
// docs/events.md and docs/definitions.md, and into the simulator, which shares no code with this.
var Channels = ChannelTable{
	{Name: SMS, TellsOf: KindPhone, GuessedBy: "map", Reports: Capability{true, "none", 3}},
	{Name: "push", Installed: true, Reports: Capability{true, "exact", 1}},
	{Name: "viber", Dialog: true, Reports: Capability{true, "lower", 14}},
	{Name: "whatsapp", Dialog: true, Reports: Capability{true, "lower", 30}},
	{Name: "vk", Reports: Capability{true, "exact", 1}},
	{Name: "ok", Reports: Capability{true, "exact", 1}},
	{Name: "telegram", Reports: Capability{true, "exact", 1}},
	{Name: "messenger", Reports: Capability{true, "exact", 7}},
	{Name: "instagram", Reports: Capability{true, "exact", 7}},
	{Name: "rcs", Dialog: true, Reports: Capability{true, "lower", 7}},
	{Name: "email", TellsOf: KindEmail, Bounces: true, Reports: Capability{true, "upper", 7}},
	{Name: "flash_call", TellsOf: KindPhone, GuessedBy: "q850", Reports: Capability{true, "none", 1}},
	{Name: "voice", TellsOf: KindPhone, GuessedBy: "q850", Reports: Capability{true, "none", 1}},
}

// Names returns the names of all channels.
func (t ChannelTable) Names() []string { return t.where(func(Channel) bool { return true }) }

// Dialogs returns the names of the channels that know conversations.
func (t ChannelTable) Dialogs() []string { return t.where(func(c Channel) bool { return c.Dialog }) }

// TellingOf returns the names of the channels whose outcomes tell of recipients of the kind.
func (t ChannelTable) TellingOf(kind string) []string {
	return t.where(func(c Channel) bool { return c.TellsOf == kind })
}

// Bouncing returns the names of the channels whose deliveries may be taken back.
func (t ChannelTable) Bouncing() []string { return t.where(func(c Channel) bool { return c.Bounces }) }

// Installed returns the names of the channels that reach an app.
func (t ChannelTable) Installed() []string {
	return t.where(func(c Channel) bool { return c.Installed })
}

// Guesses returns the channels on which codes are guessed, and by the lines of which provider.
func (t ChannelTable) Guesses() (channels, providers []string) {
	for _, c := range t {
		if c.GuessedBy != "" {
			channels, providers = append(channels, c.Name), append(providers, c.GuessedBy)
		}
	}
	return channels, providers
}

// Find returns the channel of the name; one without a name and without any ability where there is none.
func (t ChannelTable) Find(name string) Channel {
	for i := range t {
		if t[i].Name == name {
			return t[i]
		}
	}
	return Channel{}
}

// SQLArray writes names as an array of ClickHouse. None of them holds a quote.
func SQLArray(names []string) string { return "['" + strings.Join(names, "', '") + "']" }

func (t ChannelTable) where(holds func(Channel) bool) []string {
	names := make([]string, 0, len(t))
	for _, c := range t {
		if holds(c) {
			names = append(names, c.Name)
		}
	}
	return names
}

// addRoutes gives each channel that has none its line for everybody in table routes, which says what it can report.
func (t ChannelTable) addRoutes(ctx context.Context, db *sql.DB) error {
	var deliveries, reads []bool
	var bounds []string
	var days []uint16
	for _, c := range t {
		deliveries, reads = append(deliveries, c.Reports.Deliveries), append(reads, c.Reports.Bound != "none")
		bounds, days = append(bounds, c.Reports.Bound), append(days, c.Reports.SettlingDays)
	}
	if _, err := db.ExecContext(ctx, routesAddSQL, clickhouse.Named("channels", t.Names()),
		clickhouse.Named("deliveries", deliveries), clickhouse.Named("reads", reads),
		clickhouse.Named("bounds", bounds), clickhouse.Named("days", days)); err != nil {
		return fmt.Errorf("add routes of channels: %w", err)
	}
	return nil
}
