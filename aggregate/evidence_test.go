package aggregate

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"kaskad/aggregate/health"
	"kaskad/schema"
	"kaskad/schema/errormap"
	"kaskad/schema/rules"
)

// The class of a failure depends on the channel, the account's aliases and whether the attempt expired, and says
// whether it is a guess.
func TestUnpack_Classes(t *testing.T) {
	conn := connect(t)
	putList(t, conn, schema.ReferenceErrorMap, "a", 2, errormap.List{
		Lines: []errormap.Line{{Provider: "own", Code: "X", Class: "unknown"},
			{Provider: "own", Code: "Y", Class: "unknown_subscriber"}},
		Aliases: []errormap.Alias{{Provider: "mts", Like: "map"}},
	})
	at := noon.Add(-48 * time.Hour)
	cases := []struct{ channel, provider, code, status, want string }{
		{"sms", "nobody", "1", "undelivered", "unknown_subscriber guessed"},
		{"sms", "nobody", "5", "undelivered", "unknown guessed"},
		{"sms", "mts", "1", "undelivered", "unknown_subscriber"},
		{"sms", "vonage", "5", "undelivered", "route_error"},
		{"sms", "nexmo", "5", "undelivered", "route_error"},
		{"sms", "nobody", "9999", "undelivered", "unknown"},
		{"sms", "own", "X", "undelivered", "unknown"},
		{"sms", "own", "Y", "undelivered", "unknown_subscriber"},
		{"sms", "nobody", "", "expired", "expired"},
		{"sms", "nobody", "", "undelivered", "unknown"},
		{"flash_call", "nobody", "21", "undelivered", "not_answered guessed"},
		{"voice", "nobody", "1", "undelivered", "unknown_subscriber guessed"},
		{"voice", "nobody", "11", "undelivered", "unknown"},
		{"voice", "mts", "11", "undelivered", "not_sms_capable"},
	}
	var lines string
	for i, c := range cases {
		at := at.Add(time.Duration(i) * time.Minute)
		lines += line(fmt.Sprint("m", i), c.status, at, append(submitted(at), "channel", fmt.Sprintf("%q", c.channel),
			"provider", fmt.Sprintf("%q", c.provider), "error_code", fmt.Sprintf("%q", c.code), "permanent", "true")...)
	}
	load(t, conn, "t", []byte(lines), noon)
	settle(t, newAggregator(conn, noon))
	maps, err := errormap.Read(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	var account, recipient, packed string
	if err := conn.QueryRow(t.Context(), statement("numbers_evidence"), clickhouse.Named("accounts", []string{"a"}),
		clickhouse.Named("done", uint64(0)),
		clickhouse.Named("ready", uint64(0)),
		clickhouse.Named("phone_channels", schema.Channels.TellingOf(schema.KindPhone)),
		clickhouse.Named("email_channels", schema.Channels.TellingOf(schema.KindEmail))).Scan(&account, &recipient, &packed); err != nil {
		t.Fatal(err)
	}
	c := health.NewCollector(maps, noon.UnixMilli())
	c.Reset(account, recipient, rules.Default)
	if err := unpack(c, packed); err != nil {
		t.Fatal(err)
	}
	if err := unpack(c, packed[:len(packed)-1]); !errors.Is(err, errPacked) {
		t.Errorf("evidence that is cut short: %v", err)
	}
	// In the order of the cases: each was sent a minute after the one before.
	failures := c.Failures[:len(cases)]
	slices.SortFunc(failures, func(x, y health.Failure) int { return int(x.AtMS - y.AtMS) })
	for i, f := range failures {
		got := f.Class
		if f.Guessed {
			got += " guessed"
		}
		if got != cases[i].want {
			t.Errorf("%+v: %s", cases[i], got)
		}
	}
}
