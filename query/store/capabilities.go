package store

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/ClickHouse/clickhouse-go/v2"

	"kaskad/query/answer"
	"kaskad/schema"
	"kaskad/schema/errormap"
	"kaskad/schema/law"
)

//go:embed sql/capabilities.sql
var capabilitiesSQL string

// Capability is a line of the table of routes. account "" is everybody, provider "*" any other provider, or none.
type Capability struct {
	Account  string `json:"account"`
	Channel  string `json:"channel"`
	Provider string `json:"provider"`
	Delivery bool   `json:"delivery"`
	Reads    bool   `json:"reads"`
	// Bound is exact, lower or upper, and null where no reads are reported.
	Bound        *string `json:"bound"`
	SettlingDays uint16  `json:"settling_days"`
}

// Routes are what routes can report.
type Routes struct {
	*Capabilities
	// Lines are all lines, and those that aliases of providers add to them.
	Lines []Capability
	// SettlingDays are the settling windows, each once; 0 is that of a channel that nobody knows.
	SettlingDays []uint16
}

// routesCache keeps the routes that were read last. It is safe for concurrent use.
type routesCache struct {
	mu     sync.Mutex
	of     References
	routes *Routes
}

// Routes returns those that a request began with, or newer ones.
func (d *DB) Routes(ctx context.Context, known References) (*Routes, error) {
	c := &d.routes
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.routes != nil && c.of.routes == known.routes && c.of.errorMaps == known.errorMaps {
		return c.routes, nil
	}
	lines, err := d.CapabilityLines(ctx)
	if err != nil {
		return nil, err
	}
	maps, err := d.ErrorMapsOf(ctx, known)
	if err != nil {
		return nil, err
	}
	c.of, c.routes = known, NewRoutes(aliasedCapabilities(lines, maps))
	return c.routes, nil
}

// NewRoutes makes them of lines.
func NewRoutes(lines []Capability) *Routes {
	days := []uint16{0}
	for _, r := range lines {
		days = append(days, r.SettlingDays)
	}
	slices.Sort(days)
	return &Routes{NewCapabilities(lines), lines, slices.Compact(days)}
}

// aliasedCapabilities adds a line for each provider that is looked up under another name (docs/definitions.md section
// 2): what that name's routes report.
func aliasedCapabilities(lines []Capability, maps *errormap.Maps) []Capability {
	// A name that is replaced has no line of its own.
	all := slices.DeleteFunc(slices.Clone(lines),
		func(r Capability) bool { return maps.Provider(r.Account, r.Provider) != r.Provider })
	table := NewCapabilities(all)
	for _, alias := range maps.Aliases("") {
		for _, r := range lines {
			if r.Provider == alias.Like {
				r.Provider = alias.Provider
				all = append(all, r)
			}
		}
	}
	for _, account := range maps.Accounts() {
		for _, alias := range maps.Aliases(account) {
			if !maps.OwnAlias(account, alias.Provider) {
				continue
			}
			for _, channel := range schema.Channels.Names() {
				line := table.Find(account, channel, alias.Like)
				line.Account, line.Channel, line.Provider = account, channel, alias.Provider
				all = slices.DeleteFunc(all, func(r Capability) bool {
					return r.Account == account && r.Channel == channel && r.Provider == alias.Provider
				})
				all = append(all, line)
			}
		}
	}
	return all
}

// CapabilityLines returns the lines of the table, ordered by account, channel and provider.
func (d *DB) CapabilityLines(ctx context.Context) (all []Capability, err error) {
	rows, err := d.Conn.Query(d.Settings(ctx), capabilitiesSQL)
	if err != nil {
		return nil, fmt.Errorf("read routes: %w", err)
	}
	defer CloseRows(rows, &err)
	all = []Capability{}
	for rows.Next() {
		var r Capability
		var bound string
		if err := rows.Scan(&r.Account, &r.Channel, &r.Provider, &r.Delivery, &r.Reads, &bound,
			&r.SettlingDays); err != nil {
			return nil, fmt.Errorf("read routes: %w", err)
		}
		if bound != "none" {
			r.Bound = &bound
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

// Capabilities is the table of routes, and a text that differs when it does.
type Capabilities struct {
	Fingerprint string
	lines       map[[3]string]Capability // by account, channel, provider
}

func NewCapabilities(routes []Capability) *Capabilities {
	t := &Capabilities{lines: make(map[[3]string]Capability, len(routes))}
	var parts []string
	for _, r := range routes {
		t.lines[[3]string{r.Account, r.Channel, r.Provider}] = r
		parts = append(parts, r.Account, r.Channel, r.Provider, strconv.Itoa(int(capabilityCode(r))))
	}
	t.Fingerprint = string(answer.QueryHash(parts...))
	return t
}

// Find looks a route up in the order of routeLevels.
func (t *Capabilities) Find(account, channel, provider string) Capability {
	for _, line := range [][3]string{{account, channel, provider}, {"", channel, provider}, {account, channel, "*"},
		{"", channel, "*"}} {
		if r, found := t.lines[line]; found {
			return r
		}
	}
	return Capability{}
}

// capabilityCode packs a line for SQL.
func capabilityCode(r Capability) uint32 {
	bound := "none"
	if r.Bound != nil {
		bound = *r.Bound
	}
	return law.CapabilityCode(r.Delivery, r.Reads, bound, r.SettlingDays)
}

// level are lines of one precedence: whether they name an account and a provider. Each is looked up by what it
// names.
type level struct {
	name   string
	own    bool
	named  bool
	lookup string
	keyOf  func(r Capability) string
}

// The levels from the weakest to the strongest. A NUL byte parts the names; none of them holds one in a line of the
// table.
var levels = []level{
	{"other", false, false, "r.channel", func(r Capability) string { return r.Channel }},
	{"own_other", true, false, `concat(r.account, '\0', r.channel)`,
		func(r Capability) string { return r.Account + "\x00" + r.Channel }},
	{"named", false, true, `concat(r.channel, '\0', r.provider)`,
		func(r Capability) string { return r.Channel + "\x00" + r.Provider }},
	{"own_named", true, true, `concat(r.account, '\0', r.channel, '\0', r.provider)`,
		func(r Capability) string { return r.Account + "\x00" + r.Channel + "\x00" + r.Provider }},
}

// CapabilitySQL returns an expression of a cell r that gives its routeCode, and the expression's parameters. A level
// without lines costs nothing.
func CapabilitySQL(lines []Capability) (expression string, args []any) {
	expression = "toUInt32(0)"
	for _, level := range levels {
		var keys []string
		var codes []uint32
		for _, r := range lines {
			if level.own == (r.Account != "") && level.named == (r.Provider != "*") {
				keys, codes = append(keys, level.keyOf(r)), append(codes, capabilityCode(r))
			}
		}
		if len(keys) == 0 {
			continue
		}
		expression = fmt.Sprintf("transform(%s, {route_%s:Array(String)}, {code_%s:Array(UInt32)}, %s)", level.lookup,
			level.name, level.name, expression)
		args = append(args, clickhouse.Named("route_"+level.name, keys), clickhouse.Named("code_"+level.name, codes))
	}
	return expression, args
}
