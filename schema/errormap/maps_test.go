package errormap_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"kaskad/schema"
	"kaskad/schema/errormap"
	"kaskad/schema/schematest"
)

func newErrorMaps(tb testing.TB, lists ...schema.Reference) *errormap.Maps {
	tb.Helper()
	m, err := errormap.NewMaps(lists)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

func errorList(tb testing.TB, account string, version uint64, list errormap.List) schema.Reference {
	tb.Helper()
	body, err := json.Marshal(list)
	if err != nil {
		tb.Fatal(err)
	}
	return schema.Reference{Account: account, Version: version, Rows: len(list.Lines) + len(list.Aliases), Body: body}
}

func shippedErrors(tb testing.TB) errormap.List {
	tb.Helper()
	list, err := errormap.Shipped()
	if err != nil {
		tb.Fatal(err)
	}
	return list
}

// The shipped map is as an account's list must be: known classes, no code twice, codes as ingest stores them. No line
// is for any provider, every provider's lines are found under its name, and those of an alias under that.
func TestShippedErrors_Sound(t *testing.T) {
	list, m := shippedErrors(t), newErrorMaps(t)
	seen, byProvider := map[errormap.Line]bool{}, map[string][]errormap.Line{}
	for _, l := range list.Lines {
		key := errormap.Line{Provider: l.Provider, Code: l.Code}
		if l.Provider == "" || l.Provider == errormap.AnyProvider || l.Code == "" || strings.HasPrefix(l.Code, "0") ||
			len(l.Code) > schema.MaxTextBytes || seen[key] ||
			!slices.Contains(schema.ClassNames(), l.Class) {
			t.Errorf("%+v", l)
		}
		seen[key] = true
		byProvider[l.Provider] = append(byProvider[l.Provider], l)
	}
	names := map[string]string{}
	for provider := range byProvider {
		names[provider] = provider
	}
	for _, a := range list.Aliases {
		if byProvider[a.Like] == nil || byProvider[a.Provider] != nil || names[a.Provider] != "" {
			t.Errorf("alias %+v", a)
		}
		names[a.Provider] = a.Like
	}
	for name, provider := range names {
		if got := m.Provider("acme", name); got != provider {
			t.Errorf("%s is looked up as %s, want %s", name, got, provider)
		}
		for _, l := range byProvider[provider] {
			// On no channel may the class be another, and nowhere a guess.
			for _, channel := range schema.Channels.Names() {
				if class, guessed := m.Class("acme", channel, name, l.Code, true); class != l.Class || guessed {
					t.Errorf("%s %s on %s: %s, guessed %v; want %s", name, l.Code, channel, class, guessed, l.Class)
				}
			}
		}
	}
	channels, providers := schema.Channels.Guesses()
	for i, provider := range providers {
		if byProvider[provider] == nil {
			t.Errorf("there are no lines to guess by on %s: %s", channels[i], provider)
		}
	}
	if meta, whatsapp := byProvider["meta"], byProvider["whatsapp"]; len(meta) != len(whatsapp) {
		t.Errorf("%d lines of meta, %d of whatsapp", len(meta), len(whatsapp))
	}
}

// What may kill a number or an address stands here line by line, and the rest of each provider's lines as totals by
// class: a class that becomes harder is a decision, taken by the source that docs/errors.md names.
func TestShippedErrors_NeverHarder(t *testing.T) {
	totals, hard := map[string]map[string]int{}, map[string][]string{}
	for _, l := range shippedErrors(t).Lines {
		if totals[l.Provider] == nil {
			totals[l.Provider] = map[string]int{}
		}
		totals[l.Provider][l.Class]++
		if schema.ClassHard(schema.KindPhone, l.Class) || schema.ClassHard(schema.KindEmail, l.Class) {
			hard[l.Provider] = append(hard[l.Provider], l.Code+" "+l.Class)
		}
	}
	var got strings.Builder
	for _, provider := range slices.Sorted(maps.Keys(totals)) {
		fmt.Fprintf(&got, "%s:", provider)
		for _, class := range schema.ClassNames() {
			if n := totals[provider][class]; n > 0 {
				fmt.Fprintf(&got, " %s %d", class, n)
			}
		}
		fmt.Fprintln(&got)
		for _, line := range hard[provider] {
			fmt.Fprintln(&got, "   ", line)
		}
	}
	want, err := os.ReadFile("testdata/errormap.golden")
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("testdata/errormap.golden says otherwise; if the sources do, it becomes\n%s", got.String())
	}
}

func TestShippedErrors_Corrections(t *testing.T) {
	m := newErrorMaps(t)
	for _, c := range []struct{ provider, code, want string }{
		{"map", "5", "unknown"}, {"map", "21", "unknown"}, {"infobip", "EC_UNIDENTIFIED_SUBSCRIBER", "unknown"},
		{"infobip", "EC_FACILITY_NOT_SUPPORTED", "unknown"},
		{"infobip", "5", "unknown"}, {"infobip", "21", "unknown"}, {"twilio_smpp", "10", "unknown"},
		{"twilio", "30006", "unknown"},
	} {
		if got, _ := m.Class("acme", "sms", c.provider, c.code, false); got != c.want {
			t.Errorf("%s %s is %s, want %s", c.provider, c.code, got, c.want)
		}
	}
}

// The document says of classes and providers what the code does.
func TestErrorsDocument_Current(t *testing.T) {
	body, err := os.ReadFile("../../docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	var wanted []string
	for _, c := range schema.Classes {
		wanted = append(wanted, fmt.Sprintf("\n| `%s` | %s | %s | %s | %s | ", c.Name, c.Scope, c.Permanence, c.Weight,
			c.EmailWeight))
	}
	shipped := shippedErrors(t)
	for _, l := range shipped.Lines {
		wanted = append(wanted, "`"+l.Provider+"`")
	}
	for _, a := range shipped.Aliases {
		wanted = append(wanted, "| `"+a.Provider+"` | `"+a.Like+"` |")
	}
	for _, want := range slices.Compact(wanted) {
		if !strings.Contains(string(body), want) {
			t.Errorf("docs/errors.md does not say %q", strings.TrimSpace(want))
		}
	}
}

func TestErrorMaps_Class(t *testing.T) {
	lines := func(all ...[3]string) (list []errormap.Line) {
		for _, l := range all {
			list = append(list, errormap.Line{Provider: l[0], Code: l[1], Class: l[2]})
		}
		return list
	}
	m := newErrorMaps(t,
		errorList(t, "acme", 7, errormap.List{
			Lines: lines([3]string{"devino", "13", "dnd"}, [3]string{"*", "X", "route_error"},
				[3]string{"*", "27", "roaming"}, [3]string{"*", "30003", "barred"},
				[3]string{"twilio", "30005", "absent_subscriber"}, [3]string{"nexmo", "1", "dnd"}),
			Aliases: []errormap.Alias{{Provider: "nobody", Like: "map"}, {Provider: "twilio", Like: "twilio_smpp"},
				{Provider: "firebase", Like: "apns"},
				{Provider: "once", Like: "nobody"}},
		}),
		errorList(t, "empty", 9, errormap.List{}),
		schema.Reference{Account: "old", Version: 3, Body: []byte(` [{"provider":"*","code":"27","class":"roaming"}]`)})
	for _, c := range []struct {
		account, channel, provider, code string
		expired                          bool
		want                             string
		guessed                          bool
	}{
		// Lines of the provider.
		{"beta", "sms", "twilio", "30003", false, "absent_subscriber", false},
		{"beta", "sms", "twilio_smpp", "5", false, "unknown_subscriber", false},
		{"beta", "sms", "twilio_smpp", "1", true, "absent_subscriber", false}, // not MAP's 1
		{"beta", "sms", "kpn", "8", false, "unknown_subscriber", false},
		{"beta", "sms", "8x8", "13", false, "barred", false},
		{"beta", "sms", "vonage", "1", false, "unknown", false},
		{"beta", "sms", "vonage", "5", false, "route_error", false},
		{"beta", "sms", "vonage", "11", false, "route_error", false},
		{"beta", "sms", "infobip", "27", false, "absent_subscriber", false},
		{"beta", "sms", "infobip", "EC_ABSENT_SUBSCRIBER", false, "absent_subscriber", false},
		{"beta", "sms", "map", "1", false, "unknown_subscriber", false},
		{"beta", "push", "fcm", "UNREGISTERED", false, "app_uninstalled", false},
		{"beta", "push", "apns", "BadDeviceToken", false, "token_invalid", false},
		{"beta", "viber", "viber", "SRVC_NOT_VIBER_USER", false, "channel_not_registered", false},
		{"beta", "whatsapp", "whatsapp", "131049", false, "frequency_capped", false},
		{"beta", "email", "smtp", "5.1.1", false, "no_mailbox", false},
		{"beta", "email", "ses", "Transient:MailboxFull", false, "mailbox_full", false},
		// Guesses, by channel alone.
		{"beta", "sms", "nobody", "1", false, "unknown_subscriber", true},
		{"beta", "sms", "nobody", "11", false, "not_sms_capable", true},
		{"beta", "sms", "nobody", "5", false, "unknown", true},
		{"beta", "sms", "", "1", true, "unknown_subscriber", true},
		{"beta", "sms", "vonage", "27", false, "absent_subscriber", true}, // Vonage has no 27
		{"beta", "sms", "SMSC", "1", false, "unknown_subscriber", true},   // names are as they are sent
		{"beta", "flash_call", "nobody", "21", false, "not_answered", true},
		{"beta", "voice", "nobody", "21", false, "not_answered", true},
		{"beta", "voice", "nobody", "1", false, "unknown_subscriber", true},
		{"beta", "voice", "nobody", "11", false, "unknown", false},
		{"beta", "push", "nobody", "1", false, "unknown", false},
		{"beta", "email", "sendgrid", "5.1.1", false, "unknown", false},
		{"beta", "", "nobody", "1", false, "unknown", false},
		{"beta", "sms", "nobody", "9999", true, "unknown", false},
		// Without a code.
		{"beta", "sms", "nobody", "", true, "expired", false},
		{"beta", "sms", "nobody", "", false, "unknown", false},
		// Shipped aliases.
		{"beta", "sms", "nexmo", "5", false, "route_error", false},
		{"beta", "whatsapp", "360dialog", "131047", false, "window_closed", false},
		{"beta", "push", "firebase", "UNREGISTERED", false, "app_uninstalled", false},
		// The account's own lines, before any shipped one, whatever the provider is called there.
		{"acme", "sms", "devino", "13", false, "dnd", false},
		{"acme", "sms", "mts", "13", false, "barred", true},
		{"acme", "sms", "mts", "X", false, "route_error", false},
		{"acme", "push", "mts", "27", false, "roaming", false},
		{"acme", "sms", "infobip", "27", false, "roaming", false},
		{"acme", "sms", "twilio", "30003", false, "barred", false},
		{"acme", "sms", "twilio", "30005", false, "absent_subscriber", false},
		{"acme", "sms", "nexmo", "1", false, "dnd", false},
		{"acme", "sms", "vonage", "1", false, "unknown", false},
		// Its aliases, before shipped ones, replaced once.
		{"acme", "sms", "nobody", "1", false, "unknown_subscriber", false},
		{"acme", "voice", "nobody", "11", false, "not_sms_capable", false},
		{"acme", "sms", "nobody", "5", false, "unknown", false},
		{"acme", "sms", "twilio", "30007", false, "unknown", false},
		{"acme", "sms", "twilio", "1", false, "absent_subscriber", false},
		{"acme", "push", "firebase", "Unregistered", false, "app_uninstalled", false},
		{"acme", "push", "firebase", "UNREGISTERED", false, "unknown", false},
		{"acme", "push", "once", "1", false, "unknown", false},
		{"beta", "push", "nobody", "1", false, "unknown", false},
		{"empty", "sms", "mts", "27", false, "absent_subscriber", true},
		{"old", "sms", "mts", "27", false, "roaming", false},
		{"", "sms", "map", "27", false, "absent_subscriber", false},
	} {
		if got, guessed := m.Class(c.account, c.channel, c.provider, c.code, c.expired); got != c.want ||
			guessed != c.guessed {
			t.Errorf("%+v: %s, guessed %v", c, got, guessed)
		}
	}
	if m.Version("acme") != 7 || m.Version("empty") != 9 || m.Version("beta") != 0 {
		t.Errorf("versions %d %d %d", m.Version("acme"), m.Version("empty"), m.Version("beta"))
	}
	shipped, own := m.Lines("beta"), m.Lines("acme")
	// Two lines of the account replace one of their provider, lines for any provider those of that code everywhere: 27
	// of 8x8, infobip, kpn and others.
	replaced := 0
	for _, l := range shipped {
		if l.Code == "27" || l.Code == "30003" ||
			l == (errormap.Line{Provider: "twilio", Code: "30005", Class: "unknown_subscriber"}) ||
			l == (errormap.Line{Provider: "devino", Code: "13"}) {
			replaced++
		}
	}
	if len(own) != len(shipped)-replaced+6 || !slices.Equal(shipped, m.Lines("")) {
		t.Errorf("%d lines of acme, %d shipped, %d of them replaced", len(own), len(shipped), replaced)
	}
	if !slices.IsSortedFunc(own, func(a, b errormap.Line) int {
		return slices.Compare([]string{a.Provider, a.Code}, []string{b.Provider, b.Code})
	}) {
		t.Error("lines are not sorted")
	}
	if got := m.Aliases("acme"); len(got) != len(m.Aliases(""))+3 ||
		!slices.Contains(got, errormap.Alias{Provider: "firebase", Like: "apns"}) ||
		!slices.Contains(got, errormap.Alias{Provider: "nexmo", Like: "vonage"}) {
		t.Errorf("aliases %v", got)
	}
	if m.Provider("acme", "firebase") != "apns" || m.Provider("beta", "firebase") != "fcm" ||
		m.Provider("acme", "once") != "nobody" || m.Provider("beta", "") != "" {
		t.Error("aliases do not rename")
	}
}

func TestErrorList_Own_LeavesShippedOut(t *testing.T) {
	list := shippedErrors(t)
	line := errormap.Line{Provider: "map", Code: "1", Class: "barred"}
	alias := errormap.Alias{Provider: "nexmo", Like: "map"}
	list.Lines, list.Aliases = append(list.Lines, line), append(list.Aliases, alias)
	own, err := list.Own()
	if err != nil || !slices.Equal(own.Lines, []errormap.Line{line}) ||
		!slices.Equal(own.Aliases, []errormap.Alias{alias}) {
		t.Errorf("%+v %v", own, err)
	}
	// Without these the account's line for any provider, or its alias, would have a say.
	list = errormap.List{
		Lines: []errormap.Line{{Provider: "*", Code: "27", Class: "dnd"},
			{Provider: "map", Code: "27", Class: "absent_subscriber"},
			{Provider: "twilio", Code: "30005", Class: "unknown_subscriber"},
			{Provider: "vonage", Code: "5", Class: "route_error"}},
		Aliases: []errormap.Alias{{Provider: "twilio", Like: "map"}},
	}
	if own, err = list.Own(); err != nil || !slices.Equal(own.Lines, list.Lines[:3]) {
		t.Errorf("%+v %v", own, err)
	}
}

func TestReadErrorMaps_Newest(t *testing.T) {
	conn := schematest.Conn(t)
	class := func(m *errormap.Maps, code string) string {
		class, _ := m.Class("acme", "push", "x", code, false)
		return class
	}
	put(t, conn, schema.ReferenceErrorMap, "acme", 1, `[{"provider":"*","code":"1","class":"barred"}]`)
	put(t, conn, schema.ReferenceErrorMap, "beta", 0, `[]`)
	version := put(t, conn, schema.ReferenceErrorMap, "acme", 2,
		`{"lines":[{"provider":"*","code":"2","class":"dnd"}],"aliases":[{"provider":"x","like":"map"}]}`)
	m, err := errormap.Read(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	if m.Version("acme") != version || class(m, "1") != "unknown_subscriber" || class(m, "2") != "dnd" {
		t.Errorf("version %d, %s %s", m.Version("acme"), class(m, "1"), class(m, "2"))
	}
	for _, broken := range []string{`{`, `[{]`, `{"lines":{}}`} {
		put(t, conn, schema.ReferenceErrorMap, "beta", 1, broken)
		if _, err := errormap.Read(t.Context(), conn); err == nil || !strings.Contains(err.Error(), `"beta"`) {
			t.Errorf("a broken list %s: %v", broken, err)
		}
	}
}
