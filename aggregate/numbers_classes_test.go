package aggregate

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"kaskad/schema"
	"kaskad/schema/errormap"
)

// The class of a failure depends on the channel, the account's aliases and whether the attempt expired, and says
// whether it is a guess. Want is "" where it tells nothing about the number: routes fail, calls are not answered.
func TestNumbers_Classes(t *testing.T) {
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
		{"sms", "vonage", "5", "undelivered", ""},
		{"sms", "nexmo", "5", "undelivered", ""},
		{"sms", "nobody", "9999", "undelivered", "unknown"},
		{"sms", "own", "X", "undelivered", "unknown"},
		{"sms", "own", "Y", "undelivered", "unknown_subscriber"},
		{"sms", "nobody", "", "expired", "expired"},
		{"sms", "nobody", "", "undelivered", "unknown"},
		{"flash_call", "nobody", "21", "undelivered", ""},
		{"voice", "nobody", "1", "undelivered", "unknown_subscriber guessed"},
		{"voice", "nobody", "11", "undelivered", "unknown"},
		{"voice", "mts", "11", "undelivered", "not_sms_capable"},
	}
	var lines string
	numberOf := func(i int) string { return fmt.Sprintf("+7916000%04d", i) }
	for i, c := range cases {
		lines += line(fmt.Sprint("m", i), c.status, at, append(submitted(at), "channel", fmt.Sprintf("%q", c.channel),
			"provider", fmt.Sprintf("%q", c.provider), "error_code", fmt.Sprintf("%q", c.code), "permanent", "true",
			"recipient", fmt.Sprintf("%q", numberOf(i)))...)
	}
	load(t, conn, "t", []byte(lines), noon)
	decideAll(t, newAggregator(conn, noon))
	for i, c := range cases {
		var reasons map[string]uint32
		var guessed uint32
		if err := conn.QueryRow(t.Context(), "SELECT reasons, guessed FROM number_health FINAL WHERE number = $1",
			numberOf(i)).Scan(&reasons, &guessed); err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		class, isGuessed := strings.CutSuffix(c.want, " guessed")
		want := map[string]uint32{class: 1}
		if class == "" {
			want = map[string]uint32{}
		}
		if !maps.Equal(reasons, want) || isGuessed != (guessed == 1) {
			t.Errorf("%+v: %v, %d guessed", c, reasons, guessed)
		}
	}
}
